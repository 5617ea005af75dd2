import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep, untilAborted } from "../platform/shutdown.ts";
import type { KubeClient } from "./client.ts";
import { KubeError } from "./error.ts";
import type { Informer } from "./informer.ts";
import { NAMESPACES } from "./resource.ts";

/** The caches of one session. All in `all` must be synced before the session counts as reachable. */
interface SessionCaches {
  all: readonly Pick<Informer<KubernetesObject>, "synced" | "run">[];
}

/** A connection to a cluster whose identity was checked. The first failure of a watch ends it. */
export interface RemoteSession<Caches> {
  client: KubeClient;
  /** The UID of the cluster's namespace kube-system. */
  uid: string;
  caches: Caches;
}

export type RemoteState<Caches> =
  /** The first contact, or the first try after a session ended. */
  | { kind: "connecting" }
  | { kind: "reachable"; session: RemoteSession<Caches> }
  /** `status` is that of the HTTP answer; 0 when no answer came. */
  | { kind: "unreachable"; since: Date; cause: string; status: number };

export interface RemoteCluster<Caches> {
  state(): RemoteState<Caches>;
  /** Keeps a session open until the signal fires. */
  run(signal: AbortSignal): Promise<void>;
}

export interface RemotePace {
  firstBackoffMs: number;
  maxBackoffMs: number;
  /** How often the identity of a reachable cluster is read again. */
  identityMs: number;
  /** A session that ends sooner counts as failed: the next one waits for the back-off. */
  stableMs: number;
}

const PACE: RemotePace = { firstBackoffMs: 500, maxBackoffMs: 30_000, identityMs: 300_000, stableMs: 10_000 };

/** A condition has a limited length, and a server that others run may write anything. */
const MAX_CAUSE_LENGTH = 1_024;

/**
 * Keeps one session with another cluster. Each session begins by reading the cluster's identity and all lists: the address
 * may by now belong to another cluster, or to the same one restored from a backup, with lower versions. Any failure ends
 * the session. The next one starts at once after a session that lasted, and otherwise after a back-off.
 */
export function createRemoteCluster<Caches extends SessionCaches>(deps: {
  connect(): KubeClient;
  openCaches(client: KubeClient, onFailure: (error: unknown) => void): Caches;
  /** Called when the state changes. */
  onState(state: RemoteState<Caches>): void;
  logger: Logger;
  now: () => Date;
  pace?: Partial<RemotePace> | undefined;
}): RemoteCluster<Caches> {
  const { logger, now } = deps;
  const pace = { ...PACE, ...deps.pace };
  let state: RemoteState<Caches> = { kind: "connecting" };

  function set(next: RemoteState<Caches>): void {
    state = next;
    deps.onState(next);
  }

  /** Runs one session to its end. Always rejects, with the error that ended it. */
  async function runSession(signal: AbortSignal): Promise<void> {
    const client = deps.connect();
    const ending = new AbortController();
    const session = AbortSignal.any([signal, ending.signal]);
    const end = (error: unknown) => ending.abort(error);
    let running: Promise<unknown> = Promise.resolve();
    try {
      const uid = await untilAborted(readIdentity(client), session);
      const caches = deps.openCaches(client, end);
      running = Promise.all(caches.all.map((informer) => informer.run(session)));
      await untilAborted(Promise.all(caches.all.map(({ synced }) => synced)), session);
      set({ kind: "reachable", session: { client, uid, caches } });
      await watchIdentity(client, uid, session);
      throw session.reason;
    } finally {
      ending.abort();
      await running;
      await client.close();
    }
  }

  async function watchIdentity(client: KubeClient, uid: string, session: AbortSignal): Promise<void> {
    for (;;) {
      await sleep(pace.identityMs, session);
      if (session.aborted) return;
      if ((await untilAborted(readIdentity(client), session)) !== uid)
        throw new Error("another cluster answers at this address");
    }
  }

  /** Reports the error that ended a session. `since` is when the cluster last answered, or when the first try began. */
  function report(error: unknown, since: Date): void {
    if (state.kind === "reachable") {
      logger.warn({ error: errorMessage(error) }, "the session with the cluster ended");
      set({ kind: "connecting" });
      return;
    }
    const { status, serverMessage } =
      error instanceof KubeError ? error : { status: 0, serverMessage: errorMessage(error) };
    const cause = serverMessage.slice(0, MAX_CAUSE_LENGTH);
    if (state.kind !== "unreachable" || state.cause !== cause)
      logger.warn({ error: errorMessage(error) }, "the cluster cannot be reached");
    set({ kind: "unreachable", since, cause, status });
  }

  return {
    state: () => state,
    async run(signal) {
      let backoffMs = pace.firstBackoffMs;
      let since = now();
      while (!signal.aborted) {
        const startedAt = performance.now();
        const error: unknown = await runSession(signal).catch((reason: unknown) => reason);
        if (signal.aborted) return;
        const wasReachable = state.kind === "reachable";
        if (wasReachable) since = now();
        report(error, since);
        if (wasReachable && performance.now() - startedAt >= pace.stableMs) {
          backoffMs = pace.firstBackoffMs;
          continue;
        }
        await sleep(backoffMs * (0.75 + Math.random() / 2), signal);
        backoffMs = Math.min(backoffMs * 2, pace.maxBackoffMs);
      }
    },
  };
}

async function readIdentity(client: KubeClient): Promise<string> {
  const namespace = await client.get<KubernetesObject>(NAMESPACES, { name: "kube-system" });
  const uid = namespace?.metadata.uid;
  if (uid === undefined)
    throw new Error("it has no namespace kube-system, so it cannot be distinguished from other clusters");
  return uid;
}
