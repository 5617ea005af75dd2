import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { describeFailure, type Failure } from "../../kube/failure.ts";
import { createRemoteCluster, type RemotePace, type RemoteState } from "../../kube/remote-cluster.ts";
import { createWorkQueue } from "../../kube/work-queue.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { DesiredSpoke } from "./desired-spoke.ts";
import { openSpokeCaches, type SpokeCaches, type SpokeSession } from "./session.ts";
import { createSpokeWriter, SpokeObjectNotOurs, type SpokeWriter } from "./writer.ts";

/** Whether the hub's objects of a Sovereign are on its cluster as they should be. */
type ApplyResult = { kind: "pending" } | { kind: "applied" } | ({ kind: "failed" } & Failure);

/** A cluster of Sovereigns. Each has its own session and queue, so a slow cluster delays no other. */
export interface Spoke {
  state(): RemoteState<SpokeCaches>;
  /**
   * Sets the objects that the hub keeps there for a Sovereign. They are applied now, after each change there, and in each
   * new session.
   */
  put(name: string, desired: DesiredSpoke): void;
  /** Deletes the Sovereign from the cluster with this uid, and then the objects that no other Sovereign needs. */
  remove(name: string, uid: string): void;
  result(name: string): ApplyResult;
  /** Whether `remove` has found the Sovereign gone. */
  isRemoved(name: string): boolean;
  /** Drops the state of a Sovereign, and leaves its objects there. */
  forget(name: string): void;
  sovereign(name: string): Sovereign | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export interface SpokeDeps {
  connect(): KubeClient;
  /** The UID of the hub's own cluster. */
  hub: string;
  /** Called when a change may affect this Sovereign; undefined: all Sovereigns of the cluster. */
  onChange(name: string | undefined): void;
  logger: Logger;
  now: () => Date;
  pace?: Partial<RemotePace> | undefined;
}

interface Connection {
  session: SpokeSession;
  writer: SpokeWriter;
}

interface Removal {
  uid: string;
  isDone: boolean;
}

/** The number of Sovereigns of one cluster that are written at the same time. */
const CONCURRENCY = 2;
const BACKOFF = { firstMs: 500, maxMs: 60_000 };

export function createSpoke(deps: SpokeDeps): Spoke {
  const { logger, now, onChange } = deps;
  const queue = createWorkQueue({ backoff: BACKOFF });
  const desiredByName = new Map<string, DesiredSpoke>();
  const results = new Map<string, ApplyResult>();
  const failures = createFailureLog(logger);
  const removals = new Map<string, Removal>();
  let current: Connection | undefined;

  const cluster = createRemoteCluster<SpokeCaches>({
    connect: deps.connect,
    openCaches: (client, onFailure) => openSpokeCaches({ client, logger, onFailure }),
    onState(state) {
      current = state.kind === "reachable" ? begin(state.session) : undefined;
      for (const name of [...desiredByName.keys(), ...removals.keys()]) queue.add(name);
      onChange(undefined);
    },
    logger,
    now,
    pace: deps.pace,
  });

  function begin(session: SpokeSession) {
    const { sovereigns, others } = session.caches;
    sovereigns.onChange(({ object }) => {
      const { name } = object.metadata;
      queue.add(name);
      onChange(name);
    });
    for (const informer of others)
      informer.onChange(() => {
        for (const name of desiredByName.keys()) queue.add(name);
      });
    return { session, writer: createSpokeWriter(session, deps) };
  }

  function settle(name: string, result: ApplyResult): void {
    if (canonicalJson(results.get(name)) === canonicalJson(result)) return;
    results.set(name, result);
    onChange(name);
  }

  async function work(name: string): Promise<void> {
    const at = current;
    if (at === undefined) return;
    try {
      const isGone = await removeFrom(at, name, removals.get(name));
      const desired = desiredByName.get(name);
      if (desired?.uid === at.session.uid) {
        await at.writer.apply(desired);
        if (desiredByName.get(name) === desired) settle(name, { kind: "applied" });
      }
      if ([...desiredByName.values()].every(({ uid }) => uid === at.session.uid))
        await at.writer.prune(desiredByName);
      if (isGone) {
        removals.set(name, { uid: at.session.uid, isDone: true });
        onChange(name);
      }
      queue.forget(name);
      failures.forget(name);
    } catch (error) {
      // The next session works on all names again.
      if (current === at) fail(name, error);
    }
  }

  function fail(name: string, error: unknown): void {
    queue.addRateLimited(name);
    failures.log(name, error);
    const failure = failureOf(error, queue.failures(name));
    if (failure !== undefined) settle(name, { kind: "failed", ...failure });
  }

  return {
    state: cluster.state,
    put(name, desired) {
      removals.delete(name);
      if (canonicalJson(desiredByName.get(name)) === canonicalJson(desired)) return;
      desiredByName.set(name, desired);
      results.delete(name);
      queue.add(name);
    },
    remove(name, uid) {
      desiredByName.delete(name);
      results.delete(name);
      if (removals.get(name)?.uid === uid) return;
      removals.set(name, { uid, isDone: false });
      queue.add(name);
    },
    result: (name) => results.get(name) ?? { kind: "pending" },
    isRemoved: (name) => removals.get(name)?.isDone === true,
    forget(name) {
      desiredByName.delete(name);
      results.delete(name);
      removals.delete(name);
      failures.forget(name);
    },
    sovereign: (name) => current?.session.caches.sovereigns.get(name),
    async run(signal) {
      await Promise.all([cluster.run(signal), queue.run((name) => work(name), CONCURRENCY, signal)]);
    },
  };
}

/** Deletes the Sovereign if it is to be removed from this cluster. Returns whether this finds it gone. */
async function removeFrom({ session, writer }: Connection, name: string, removal: Removal | undefined) {
  if (removal === undefined || removal.isDone || removal.uid !== session.uid) return false;
  return writer.removeSovereign(name);
}

/** Logs one line for each cause, not one for each attempt. */
function createFailureLog(logger: Logger) {
  const logged = new Map<string, string>();
  return {
    log(name: string, cause: unknown): void {
      const error = errorMessage(cause);
      if (logged.get(name) === error) return;
      logged.set(name, error);
      logger.warn({ sovereign: name, error }, "the Sovereign's cluster was not written");
    },
    /** The next failure is logged again. */
    forget: (name: string) => logged.delete(name),
  };
}

function failureOf(error: unknown, tries: number): Failure | undefined {
  if (error instanceof SpokeObjectNotOurs)
    return { reason: "SpokeObjectNotOurs", message: error.message, isFinal: true };
  return describeFailure(error, tries);
}
