import pg from "pg";
import { ORGANIZATION } from "../api/organization.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { requireOwnDatabase } from "../billing/db/sovereign-identity.ts";
import { createOutboxRelay, ORGANIZATION_SINK, type OutboxEvent } from "../billing/event/outbox.ts";
import { desiredOrganization } from "../controllers/organization/desired-organization.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists } from "../kube/error.ts";
import { resourceOf } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";
import { isMigrated, readDatabaseUrl } from "./billing-environment.ts";
import type { OperatorCaches } from "./cache.ts";

const CHECK_MS = 2_000;

/** Creates an Organization for each order in the outbox of each local Sovereign, until the signal fires. */
export async function relayOutboxes(deps: {
  client: KubeClient;
  caches: OperatorCaches;
  logger: Logger;
  signal: AbortSignal;
}): Promise<void> {
  const { client, caches, logger, signal } = deps;
  const relays = new Map<string, { databaseUrl: string; stop: AbortController; done: Promise<void> }>();

  async function relay(sovereign: Sovereign, databaseUrl: string, stopSignal: AbortSignal): Promise<void> {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      max: 1,
      connectionTimeoutMillis: 5_000,
      application_name: "catalyst-operator",
    });
    pool.on("error", (error) =>
      logger.warn(
        { sovereign: sovereign.metadata.name, error: error.message },
        "the connection to the outbox broke",
      ),
    );
    try {
      // The Secret may name another Sovereign's database by now. Its orders must not become Organizations of this one.
      await requireOwnDatabase((text, values) => pool.query(text, values), sovereign.spec.fqdn);
      await createOutboxRelay({
        pool,
        sink: ORGANIZATION_SINK,
        deliver: (event) => createOrganization(client, sovereign.metadata.name, event),
        logger,
        signal: stopSignal,
      }).run();
    } finally {
      await pool.end();
    }
  }

  async function refresh(): Promise<void> {
    const wanted = caches.sovereigns.list().filter(isMigrated);
    const names = new Set(wanted.map(({ metadata }) => metadata.name));
    for (const [name, running] of relays) if (!names.has(name)) running.stop.abort();
    for (const sovereign of wanted) {
      const { name } = sovereign.metadata;
      const databaseUrl = await readDatabaseUrl(client, sovereign);
      const running = relays.get(name);
      if (running !== undefined && running.databaseUrl !== databaseUrl) running.stop.abort();
      if (databaseUrl === undefined || running !== undefined) continue;
      const stop = new AbortController();
      const done = relay(sovereign, databaseUrl, AbortSignal.any([stop.signal, signal]))
        .catch((error: unknown) =>
          logger.warn(
            { sovereign: name, error: errorMessage(error) },
            "the outbox relay failed; it starts again",
          ),
        )
        .finally(() => relays.delete(name));
      relays.set(name, { databaseUrl, stop, done });
    }
  }

  while (!signal.aborted) {
    await refresh().catch((error: unknown) =>
      logger.warn({ error: errorMessage(error) }, "the outboxes could not be read"),
    );
    await sleep(CHECK_MS, signal);
  }
  await Promise.all([...relays.values()].map(({ done }) => done));
}

async function createOrganization(
  client: KubeClient,
  sovereign: string,
  { payload }: OutboxEvent,
): Promise<void> {
  try {
    await client.create(resourceOf(ORGANIZATION), desiredOrganization(sovereign, payload));
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
