import { describe, expect, it } from "vitest";
import type { KubeClient, Leadership } from "../../../src/kube/client.ts";
import { type LeaseTimes, runLeaderElection } from "../../../src/kube/leader-election.ts";
import type { Lease } from "../../../src/kube/lease-lock.ts";
import { CONFIG_MAPS, LEASES } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { aborted } from "../../../src/platform/shutdown.ts";
import { until } from "../wait.ts";
import { configMap, type KubeBench } from "./kube-bench.ts";

/** The lease of a leader that lives outlasts the pauses of a busy machine. */
const LONG: LeaseTimes = { leaseMs: 10_000, renewDeadlineMs: 7_000, retryMs: 100 };
const SHORT: LeaseTimes = { leaseMs: 1_000, renewDeadlineMs: 700, retryMs: 100 };

export function describeLeaderElection(bench: KubeBench): void {
  /** A candidate as in a process of its own. `lead` runs until the lease is lost. */
  function candidate(identity: string, namespace: string, client: KubeClient, times = LONG) {
    const abort = new AbortController();
    const state = { terms: 0, isLeading: false, lastWrites: 0 };
    let leadership: Leadership = { mayWrite: () => false, lost: new AbortController().signal };
    const done = runLeaderElection({
      client,
      lease: { namespace, name: "catalyst-operator" },
      identity,
      times,
      logger: createLogger("test", "silent"),
      signal: abort.signal,
      async lead(signal, granted) {
        state.terms += 1;
        state.isLeading = true;
        leadership = granted;
        await aborted(signal);
        // The last write of the work in progress.
        if (granted.mayWrite()) state.lastWrites += 1;
        state.isLeading = false;
      },
    });
    const stop = async () => {
      abort.abort();
      await done;
    };
    return { state, stop, leaderClient: () => client.whileLeading(leadership) };
  }

  describe("leader election", () => {
    it("has one leader, and another one at once when the leader stops", async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: "catalyst-operator" };
      const first = candidate("first", namespace, bench.connect("first"));
      await until(() => first.state.isLeading, "the first leads");
      const second = candidate("second", namespace, bench.connect("second"));
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(second.state.terms).toBe(0);
      expect(first.state.terms).toBe(1);
      const held = await bench.client().get<Lease>(LEASES, key);
      expect(held?.spec).toMatchObject({
        holderIdentity: "first",
        leaseDurationSeconds: 10,
        leaseTransitions: 0,
      });
      expect(held?.spec?.renewTime).toMatch(/\.\d{6}Z$/);

      const stoppedAt = performance.now();
      await first.stop();
      await until(() => second.state.isLeading, "the second leads");
      expect(first.state.lastWrites).toBe(1);
      // The lease was released and did not expire: it lasts ten seconds.
      expect(performance.now() - stoppedAt).toBeLessThan(9_000);
      const taken = await bench.client().get<Lease>(LEASES, key);
      expect(taken?.spec).toMatchObject({ holderIdentity: "second", leaseTransitions: 1 });

      await expect(
        first.leaderClient().create(CONFIG_MAPS, configMap(namespace, "late")),
      ).rejects.toMatchObject({
        reason: "NotLeading",
      });
      await second.leaderClient().create(CONFIG_MAPS, configMap(namespace, "in-time"));
      const { items } = await first
        .leaderClient()
        .list(CONFIG_MAPS, { namespace, labelSelector: "app=kube-suite" });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(["in-time"]);
      await second.stop();
      expect((await bench.client().get<Lease>(LEASES, key))?.spec?.holderIdentity ?? "").toBe("");
    });

    it("replaces a leader that died without releasing the lease, but not before the lease ends", async () => {
      const namespace = await bench.namespace();
      const now = new Date().toISOString().replace("Z", "000Z");
      await bench.client().create<Lease>(LEASES, {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { namespace, name: "catalyst-operator" },
        spec: {
          holderIdentity: "dead",
          leaseDurationSeconds: 2,
          acquireTime: now,
          renewTime: now,
          leaseTransitions: 3,
        },
      });
      const startedAt = performance.now();
      const successor = candidate("successor", namespace, bench.connect("successor"), SHORT);
      await until(() => successor.state.isLeading, "the successor leads");
      expect(performance.now() - startedAt).toBeGreaterThan(1_950);
      await successor.stop();
    });
  });
}
