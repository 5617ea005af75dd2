import type { KubeConfig } from "@kubernetes/client-node";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { runLeaderElection } from "../../../src/kube/leader-election.ts";
import type { Lease } from "../../../src/kube/lease-lock.ts";
import { LEASES } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { aborted } from "../../../src/platform/shutdown.ts";
import { createMachine } from "./election-machine.ts";

export const TICK_MS = 250;

/** Candidates on separate machines. Each tick of the clock checks that at most one of them leads. */
export async function stage(kubeConfig: KubeConfig, names: string[]) {
  const world = { time: Date.parse("2026-01-01T00:00:00Z") };
  const client = createKubeClient({ kubeConfig, userAgent: "catalyst-test" });
  const namespace = `election-${Math.random().toString(36).slice(2)}`;
  await client.create(
    { group: "", version: "v1", kind: "Namespace", plural: "namespaces", namespaced: false },
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  );
  const lease = { namespace, name: "catalyst-operator" };
  let inFlight = 0;
  const overlaps: string[] = [];

  const candidates = names.map((identity) => {
    const machine = createMachine(world);
    const abort = new AbortController();
    const network = { isCut: false, freezesAfterNextWrite: false };
    const state = { terms: 0, isWorking: false, isLeading: () => false };
    /** Answers reach a frozen process when it thaws. A cut network delivers none. */
    const through =
      <Args extends unknown[], Answer>(call: (...args: Args) => Promise<Answer>) =>
      async (...args: Args): Promise<Answer> => {
        inFlight += 1;
        try {
          if (network.isCut) throw new Error("the network is cut");
          return await call(...args);
        } finally {
          inFlight -= 1;
          await machine.frozen();
        }
      };
    const done = runLeaderElection({
      client: {
        ...client,
        get: through(client.get) as KubeClient["get"],
        create: through(client.create) as KubeClient["create"],
        replace: through(async (...args: Parameters<KubeClient["replace"]>) => {
          const answer = await client.replace(...args);
          if (network.freezesAfterNextWrite) machine.freeze();
          network.freezesAfterNextWrite = false;
          return answer;
        }) as KubeClient["replace"],
      },
      lease,
      identity,
      clock: machine.clock,
      logger: createLogger("test", "silent"),
      signal: abort.signal,
      async lead(signal, { mayWrite }) {
        state.terms += 1;
        state.isWorking = true;
        state.isLeading = mayWrite;
        await aborted(signal);
        state.isWorking = false;
      },
    });
    return { identity, machine, network, state, abort, done };
  });

  async function settle(): Promise<void> {
    let quiet = 0;
    while (quiet < 4) {
      await new Promise((resolve) => setImmediate(resolve));
      quiet = inFlight === 0 ? quiet + 1 : 0;
    }
  }
  async function advance(seconds: number): Promise<void> {
    for (let elapsed = 0; elapsed < seconds * 1000; elapsed += TICK_MS) {
      world.time += TICK_MS;
      for (const { machine } of candidates) machine.wakeDue();
      await settle();
      const leading = candidates.filter(({ state }) => state.isLeading()).map(({ identity }) => identity);
      if (leading.length > 1)
        overlaps.push(`${new Date(world.time).toISOString()}: ${leading.join(" and ")}`);
    }
  }
  async function dispose(): Promise<void> {
    for (const { abort, machine } of candidates) {
      machine.thaw();
      abort.abort();
    }
    await Promise.all(candidates.map(({ done }) => done));
    await client.close();
  }
  const leader = () => candidates.find(({ state }) => state.isLeading());
  await settle();
  /** Changes the Lease as a person does. */
  const editLease = (spec: Lease["spec"]) => client.mergePatch(LEASES, lease, { spec });
  const deleteLease = () => client.delete(LEASES, lease);
  return { candidates, advance, overlaps, leader, editLease, deleteLease, dispose };
}

/** The candidate that leads after five seconds. */
export async function withLeader({ advance, leader }: Awaited<ReturnType<typeof stage>>) {
  await advance(5);
  const found = leader();
  if (found === undefined) throw new Error("no candidate leads");
  return found;
}
