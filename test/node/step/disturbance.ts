import { expect, it } from "vitest";
import { sleep } from "../../../src/platform/shutdown.ts";
import { eventually, until } from "../../support/wait.ts";
import { limitMemoryToUsage } from "../support/cgroup.ts";
import { type World, waitUntilServed } from "../support/world.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { expectCommandsWork } from "./command.ts";
import { expectOperatorReady, NAMESPACE } from "./installation.ts";
import { leaderOf, leaseOf, type Pod, podOf } from "./leader.ts";
import { omantel, waitUntilReady } from "./sovereign.ts";
import { expectVoucherKept } from "./voucher.ts";

const PROGRAM = "/app/src/cli/main.ts operator";

/** The PID of a Pod's operator in the PID namespace of this machine. */
async function pidOf(world: World, name: string): Promise<number> {
  const { metadata } = await podOf(world, name);
  const [pid] = world.node.podProcesses(metadata.uid, PROGRAM);
  if (pid === undefined) throw new Error(`Pod ${name} runs no ${PROGRAM}`);
  return pid;
}

/** Waits until a replica leads that has renewed the lease after this time. It may be the former leader after a restart. */
async function expectLeader(world: World, since: Date): Promise<void> {
  await until(
    async () => new Date((await leaseOf(world)).renewTime) > since,
    "the leader renews its lease",
    60_000,
  );
}

const restartsOf = async (world: World, pod: string) =>
  (await podOf(world, pod)).status.containerStatuses[0]?.restartCount ?? 0;

/**
 * Disturbs the operator in the Pod, and waits until kubelet has started it again. Returns the seconds until the process
 * ended.
 */
async function expectRestart(world: World, pod: string, disturb: (pid: number) => unknown): Promise<number> {
  const before = await restartsOf(world, pod);
  const pid = await pidOf(world, pod);
  const disturbedAt = Date.now();
  await disturb(pid);
  await eventually(async () => expect(await restartsOf(world, pod)).toBeGreaterThan(before), 120_000);
  const { lastState } = (await podOf(world, pod)).status.containerStatuses[0] ?? {};
  return (Date.parse(lastState?.terminated?.finishedAt ?? "") - disturbedAt) / 1_000;
}

async function expectHealthy(bench: NodeBench): Promise<void> {
  await expectOperatorReady(bench.world);
  for (const { name } of bench.sovereigns) await waitUntilReady(bench.world, name);
  await expectVoucherKept(bench);
}

/** Tests faults of Pods, of the node and of the API server. The tenant sends its requests during all of them. */
export function testDisturbances(bench: NodeBench): void {
  it("survives SIGKILL of the leader", async () => {
    const { world } = bench;
    await expectRestart(world, await leaderOf(world), (pid) => process.kill(pid, "SIGKILL"));
    await expectLeader(world, new Date());
    await expectHealthy(bench);
  }, 180_000);

  it("restarts a frozen leader, while another replica leads and serves people's commands", async () => {
    const { world } = bench;
    const leader = await leaderOf(world);
    const [seconds] = await Promise.all([
      expectRestart(world, leader, (pid) => process.kill(pid, "SIGSTOP")),
      eventually(async () => expect(await leaderOf(world)).not.toBe(leader), 60_000).then(() =>
        expectCommandsWork(bench),
      ),
    ]);
    console.log(`a frozen Pod was ended after ${Math.round(seconds)} s`);
    // Three failed probes in 30 s, and 5 s until it is killed.
    expect(seconds).toBeLessThan(55);
    await expectHealthy(bench);
  }, 240_000);

  it("restarts a leader whose memory ran out", async () => {
    const { world } = bench;
    const leader = await leaderOf(world);
    await expectRestart(world, leader, async (pid) => {
      limitMemoryToUsage(pid);
      // With another process in the container, memory runs out, and the kernel kills the largest process.
      await world
        .kubectl(...NAMESPACE, "exec", leader, "--", "node", "--eval", "setTimeout(() => {}, 5_000)")
        .catch(() => {});
    });
    const { lastState } = (await podOf(world, leader)).status.containerStatuses[0] ?? {};
    expect(lastState?.terminated?.reason).toBe("OOMKilled");
    await expectHealthy(bench);
  }, 240_000);

  it("keeps one replica while the only node is drained, and recovers", async () => {
    const { kubectl, cluster } = bench.world;
    // The first Pod is evicted at once. kubectl tries the second one again after 5 s.
    const drain = ["drain", "node", "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=6s"];
    await expect(
      kubectl(...drain, "--pod-selector=app.kubernetes.io/name=catalyst-operator"),
    ).rejects.toThrow("disruption budget");
    await cluster.waitUntil(
      { kind: "Deployment", name: "catalyst-operator", namespace: "catalyst-system" },
      "has one ready replica",
      (object) => (object as { status?: { readyReplicas?: number } }).status?.readyReplicas === 1,
    );
    await kubectl("uncordon", "node");
    await expectHealthy(bench);
  }, 240_000);

  it("publishes a new CA after the Secret of the certificate was deleted, and keeps serving", async () => {
    const { kubectl } = bench.world;
    const bundleOf = async () => {
      const configuration = await kubectl(
        ...["get", "validatingwebhookconfiguration", "catalyst-operator", "--output", "json"],
      );
      return JSON.parse(configuration).webhooks[0].clientConfig.caBundle as string;
    };
    const before = await bundleOf();
    await kubectl(...NAMESPACE, "delete", "secret", "catalyst-operator-webhook-tls");
    await eventually(async () => expect(await bundleOf()).not.toBe(before), 60_000);
    await expectHealthy(bench);
  }, 180_000);

  it("survives an API server that is down for 20 s, and keeps selling", async () => {
    const { node, kubectl } = bench.world;
    node.hold("kube-apiserver");
    await Promise.all([sleep(20_000), expectVoucherKept(bench)]);
    node.resume("kube-apiserver");
    await waitUntilServed(kubectl, 60_000);
    await expectHealthy(bench);
  }, 240_000);

  it("survives a power cut of the node", async () => {
    const { node, kubectl } = bench.world;
    const cutAt = Date.now();
    await node.cutPower();
    await node.start();
    await waitUntilServed(kubectl, 60_000);
    // Until kubelet has reported, the API server shows the Pods as they were before.
    const serving = [
      "--all-namespaces",
      "--selector",
      "app.kubernetes.io/name in (catalyst-operator, billing)",
    ];
    await until(
      async () => {
        const pods = JSON.parse(await kubectl("get", "pods", ...serving, "--output", "json"));
        return pods.items.every(
          ({ status }: Pod) =>
            Date.parse(status.containerStatuses[0]?.state.running?.startedAt ?? "") > cutAt,
        );
      },
      "all Pods have started again",
      120_000,
    );
    await expectHealthy(bench);
    expect(await leaderOf(bench.world)).toBeTruthy();
    await waitUntilReady(bench.world, omantel(bench).name);
  }, 300_000);
}
