import pg from "pg";
import { ORGANIZATION, type Organization } from "../api/organization.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { requireOwnDatabase } from "../billing/db/sovereign-identity.ts";
import {
  drainOutbox,
  ORGANIZATION_SINK,
  type OutboxEvent,
  type OutboxPass,
  SinkUnavailableError,
} from "../billing/event/outbox.ts";
import { desiredOrganization } from "../controllers/organization/desired-organization.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isRefused, isServerUnavailable } from "../kube/error.ts";
import type { EventRecorder } from "../kube/event.ts";
import { describeFailure } from "../kube/failure.ts";
import { resourceOf } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { isMigrated } from "./billing-environment.ts";
import type { OperatorCaches } from "./cache.ts";
import { closeConnection } from "./database-connection.ts";
import { describeDatabaseFailure } from "./database-failure.ts";
import { createDatabaseUrlReader } from "./database-url.ts";
import type { ObservedSubscriptions } from "./subscription-standing.ts";

const CONNECT_MS = 3_000;
const STATEMENT_MS = 15_000;

/**
 * Relays the outbox of one Sovereign and reads its subscriptions, over a connection that is opened for the pass and closed
 * afterwards.
 */
export function createOutboxPass(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  subscriptions: Pick<ObservedSubscriptions, "look" | "forget">;
  events: EventRecorder;
  logger: Logger;
}): {
  /** Undefined when the Sovereign has no usable outbox: it is not migrated, or has no database URL. */
  relay(name: string, signal: AbortSignal): Promise<OutboxPass | undefined>;
  /** Drops the state of a Sovereign. */
  forget(name: string): void;
} {
  const { client, caches, subscriptions, events, logger } = deps;
  const urls = createDatabaseUrlReader({ client, secretVersions: caches.secretVersions });

  return {
    async relay(name, signal) {
      const sovereign = caches.sovereigns.get(name);
      if (sovereign === undefined || !isMigrated(sovereign)) return undefined;
      const url = await urls.read(sovereign);
      if (url === undefined) return undefined;
      const connection = new pg.Client({
        connectionString: url,
        connectionTimeoutMillis: CONNECT_MS,
        query_timeout: STATEMENT_MS,
        application_name: "catalyst-operator",
      });
      // A connection that breaks between two statements emits `error`. Without a listener, this ends the process.
      connection.on("error", () => undefined);
      try {
        await connection.connect().catch((error: unknown) => {
          // The password may have changed without an event of the watch.
          urls.forget(name);
          throw new Error(describeDatabaseFailure(error), { cause: error });
        });
        // The Secret may meanwhile name another Sovereign's database, whose orders must not become Organizations of this
        // one.
        await requireOwnDatabase(connection, sovereign.spec.fqdn);
        const deliver = (event: OutboxEvent) =>
          createOrganization(client, name, event).catch((error: unknown) => {
            reportRefusal(events, sovereign, event, error);
            throw error;
          });
        const delivery = {
          sink: ORGANIZATION_SINK,
          deliver,
          logger: logger.child({ sovereign: name }),
          signal,
        };
        const outcome = await drainOutbox(delivery, connection);
        // A failure here must not repeat the delivery of orders. The next pass reads again.
        await subscriptions.look(name, connection).catch((error: unknown) => {
          logger.debug({ sovereign: name, reason: errorMessage(error) }, "subscriptions could not be read");
        });
        return outcome;
      } finally {
        await closeConnection(connection);
      }
    },
    forget(name) {
      urls.forget(name);
      subscriptions.forget(name);
    },
  };
}

/** A customer has paid for an Organization that does not exist. Only the Sovereign can show this. */
function reportRefusal(
  events: EventRecorder,
  sovereign: Sovereign,
  event: OutboxEvent,
  error: unknown,
): void {
  const failure = isRefused(error) ? describeFailure(error, event.attempt) : undefined;
  if (failure !== undefined)
    events.record(
      sovereign,
      "Warning",
      "OrganizationRefused",
      `order ${event.payload.id} has no Organization yet: ${failure.message}`,
    );
}

async function createOrganization(
  client: KubeClient,
  sovereign: string,
  { payload }: OutboxEvent,
): Promise<void> {
  const desired = desiredOrganization(sovereign, payload);
  try {
    await client.create(resourceOf(ORGANIZATION), desired).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
      return requireLasting(client, desired);
    });
  } catch (error) {
    throw isServerUnavailable(error)
      ? new SinkUnavailableError(errorMessage(error), { cause: error })
      : error;
  }
}

/**
 * Throws while the Organization of an earlier order is being deleted: this order needs another one afterwards. The order
 * that created it does not, because a person deleted that Organization. The operator's role has no `get`, so this lists.
 */
async function requireLasting(client: KubeClient, { metadata, spec }: Organization): Promise<void> {
  const fieldSelector = `metadata.name=${metadata.name}`;
  const { items } = await client.list<Organization>(resourceOf(ORGANIZATION), { fieldSelector });
  const isOver = items.every(({ metadata: { deletionTimestamp } }) => deletionTimestamp !== undefined);
  const isRepeated = items.some((live) => live.spec.order === spec.order);
  if (isOver && !isRepeated)
    throw new Error(
      `Organization ${metadata.name} is being deleted: the order gets another one when it is gone`,
    );
}
