import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesObject } from "../../api/object.ts";
import type { ObjectReference } from "./cluster-object.ts";
import { type ClusterReader, conditionsIn, type StatusCondition } from "./cluster-reader.ts";
import { UnmetExpectation } from "./expectation.ts";

const POLL_INTERVAL_MS = 50;
const TIMEOUT_MS = 45_000;

/** The fingerprints that Catalyst-Zero measured and that a BillingRelease publishes. */
interface ReleaseReference {
  schemaFingerprint: string;
  apiFingerprint: string;
  measuredOn: string;
}

interface StoryEvent {
  reason: string;
  message: string;
  involvedObject: { kind: string; name: string };
}

/** Waits for states of the cluster, each for at most 45 s. A wait that times out throws and says what it waited for. */
export interface ClusterWaits {
  /** `what` describes the expected state in the error. */
  waitUntil(
    reference: ObjectReference,
    what: string,
    holds: (object: KubernetesObject) => boolean,
  ): Promise<KubernetesObject>;
  waitUntilGone(reference: ObjectReference): Promise<void>;
  waitForCondition(
    reference: ObjectReference,
    type: string,
    status: "True" | "False",
  ): Promise<StatusCondition>;
  /**
   * As `waitForCondition`, for a status that may last only for a moment. It reads every form of the object after the
   * resourceVersion `since`. Polls could miss one.
   */
  waitForConditionAfter(
    since: string,
    reference: ObjectReference,
    type: string,
    status: "True" | "False",
  ): Promise<StatusCondition>;
  waitForEvent(reference: ObjectReference, reason: string): Promise<StoryEvent>;
  /** Name of the Organization that was created for an order. */
  waitForOrganization(orderId: string): Promise<string>;
  waitForReleaseReference(release: string): Promise<ReleaseReference>;
}

export function createClusterWaits(reader: ClusterReader, signal: AbortSignal): ClusterWaits {
  /** Reads until `read` returns a value. `explain` adds the actual state to the error. */
  async function waitFor<T>(
    what: string,
    read: () => Promise<T | undefined>,
    explain = async () => "",
  ): Promise<T> {
    const until = Date.now() + TIMEOUT_MS;
    for (;;) {
      const value = await read();
      if (value !== undefined) return value;
      if (Date.now() > until)
        throw new UnmetExpectation(`waited ${TIMEOUT_MS / 1000} s for ${what}. ${await explain()}`);
      await delay(POLL_INTERVAL_MS, undefined, { signal });
    }
  }

  async function unmetConditions(reference: ObjectReference): Promise<string> {
    const conditions = (await reader.conditionsOf(reference)).filter(({ status }) => status !== "True");
    if (conditions.length === 0) return "All its conditions are True, or it has none";
    return conditions
      .map(({ type, status, reason, message }) => `${type}=${status} ${reason}: ${message}`)
      .join("; ");
  }

  return {
    waitUntil: (reference, what, holds) =>
      waitFor(`${reference.kind} ${reference.name}: ${what}`, async () => {
        const object = await reader.get(reference);
        return object !== undefined && holds(object) ? object : undefined;
      }),

    async waitUntilGone(reference) {
      await waitFor(`${reference.kind} ${reference.name} to be deleted`, async () =>
        (await reader.get(reference)) === undefined ? true : undefined,
      );
    },

    waitForCondition: (reference, type, status) =>
      waitFor(
        `${reference.kind} ${reference.name}: ${type}=${status}`,
        async () =>
          (await reader.conditionsOf(reference)).find(
            (condition) => condition.type === type && condition.status === status,
          ),
        () => unmetConditions(reference),
      ),

    async waitForConditionAfter(since, reference, type, status) {
      const isWanted = (condition: StatusCondition) => condition.type === type && condition.status === status;
      const options = { since, timeoutSeconds: TIMEOUT_MS / 1_000, signal };
      for await (const object of reader.changesOf(reference, options)) {
        const found = conditionsIn(object).find(isWanted);
        if (found !== undefined) return found;
      }
      throw new UnmetExpectation(
        `the watch of ${reference.kind} ${reference.name} ended without ${type}=${status}. ${await unmetConditions(reference)}`,
      );
    },

    waitForEvent: (reference, reason) =>
      waitFor(`event ${reason} on ${reference.kind} ${reference.name}`, async () => {
        const events = (await reader.list("Event")) as unknown as StoryEvent[];
        return events.find(
          (event) =>
            event.reason === reason &&
            event.involvedObject.kind === reference.kind &&
            event.involvedObject.name === reference.name,
        );
      }),

    waitForOrganization: (orderId) =>
      waitFor(`an Organization for order ${orderId}`, async () => {
        const organizations = (await reader.list("Organization")) as {
          metadata: { name: string };
          spec?: { order?: string };
        }[];
        return organizations.find(({ spec }) => spec?.order === orderId)?.metadata.name;
      }),

    waitForReleaseReference: (release) =>
      waitFor(`BillingRelease ${release}: status.reference`, async () => {
        const object = await reader.mustGet<{ status?: { reference?: ReleaseReference } }>({
          kind: "BillingRelease",
          name: release,
        });
        return object.status?.reference;
      }),
  };
}
