import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { createApiConnection } from "../../../../src/playground/story/api-connection.ts";
import { type Cluster, createCluster } from "../../../../src/playground/story/cluster.ts";
import type { ObjectReference } from "../../../../src/playground/story/cluster-object.ts";
import { operatorsOf, processesWith } from "../../../support/process/playground.ts";
import { DEPLOYMENT, SOVEREIGN, useStoryBench } from "../../../support/suite/story-bench.ts";
import { eventually } from "../../../support/wait.ts";

/** The command line and the environment of a process. */
const environmentOf = (pid: number) =>
  execFileSync("ps", ["eww", "-o", "args=", "-p", String(pid)], { encoding: "utf8" });

describe("the playground with --topology hub", () => {
  const bench = useStoryBench("embedded", ["--topology", "hub", "--verbose"]);
  let spoke: Cluster;
  let closeSpoke: () => Promise<void>;

  beforeAll(() => {
    const connection = createApiConnection(join(bench.stateDir, "spoke", "kubeconfig"));
    closeSpoke = connection.close;
    spoke = createCluster(connection, AbortSignal.timeout(60_000));
  });
  afterAll(() => closeSpoke?.());

  it("passes every step of the story, with an operator on each of two control planes", () => {
    expect(bench.playground.output()).toMatch(/\d+ steps passed, 0 failed/);
    expect(bench.playground.output()).toMatch(/^ {2}catalyst-zero .* hub$/m);
    expect(bench.playground.output()).toMatch(/^ {2}omantel .* spoke$/m);
    expect(operatorsOf(bench.playground)).toHaveLength(2);
  });

  it("prints the evidence of each step below its line with --verbose, with short digests", () => {
    expect(bench.playground.output()).toMatch(
      /^ {6}job\/billing-migrate-\w+: schema .*sha256:[0-9a-f]{12}…$/m,
    );
    expect(bench.playground.output()).toMatch(/^ {6}POST \/billing\/checkout → 409 /m);
    expect(bench.playground.output()).not.toMatch(/^ {6}.*sha256:[0-9a-f]{13}/m);
  });

  it("runs omantel's Pods on the spoke and Catalyst-Zero's on the hub", async () => {
    const billingPods = async (cluster: Cluster) =>
      (await cluster.list("Pod", undefined, "app.kubernetes.io/name=billing")).map(
        ({ metadata }) => metadata.namespace,
      );
    expect(new Set(await billingPods(spoke))).toEqual(new Set(["sovereign-omantel"]));
    expect(new Set(await billingPods(bench.cluster))).toEqual(new Set(["sovereign-catalyst-zero"]));
  });

  it("shows on the hub what the Franchisee changed on the spoke", async () => {
    await bench.cluster.waitUntil(SOVEREIGN, "status.cluster has the new name", (object) =>
      JSON.stringify((object as { status?: { cluster?: object } }).status?.cluster).includes("Omantel Cloud"),
    );
  });

  it("gives the hub only the shipped rights on the spoke", async () => {
    const name = { kind: "Secret", name: "omantel-kubeconfig", namespace: "catalyst-system" } as const;
    const secret = await bench.cluster.mustGet<KubernetesObject & { data: { value: string } }>(name);
    const path = join(dirname(bench.stateDir), "hub-account");
    writeFileSync(path, Buffer.from(secret.data.value, "base64"));
    const account = createApiConnection(path);
    const statusOf = async (resource: string) =>
      (await account.send({ method: "GET", path: resource })).status;
    expect(await statusOf("/apis/catalyst.openova.io/v1alpha1/sovereigns")).toBe(200);
    expect(await statusOf("/api/v1/secrets")).toBe(403);
    expect(await statusOf("/api/v1/pods")).toBe(403);
    await account.close();
  });

  it("goes on without the hub: the spoke repairs drift and denies its Franchisee, and the hub reads the rest afterwards", async () => {
    const hubOperator: ObjectReference = {
      ...{ kind: "Deployment", name: "catalyst-operator", namespace: "catalyst-system" },
    };
    const [hubPid = 0] = operatorsOf(bench.playground).filter(
      (pid) => !environmentOf(pid).includes(join(bench.stateDir, "spoke")),
    );
    // The Deployment starts no other process, and the one that runs ends without releasing anything.
    await bench.cluster.asAdmin().mergePatch(hubOperator, { spec: { replicas: 0 } });
    process.kill(hubPid, "SIGKILL");
    await eventually(() => expect(operatorsOf(bench.playground).length).toBe(1));
    expect(operatorsOf(bench.playground)).not.toContain(hubPid);

    const { metadata } = await spoke.mustGet<KubernetesObject>(DEPLOYMENT);
    expect((await spoke.asAdmin().remove(DEPLOYMENT)).kind).toBe("accepted");
    await spoke.waitUntil(DEPLOYMENT, "exists again", (object) => object.metadata.uid !== metadata.uid);
    await spoke.waitForCondition(SOVEREIGN, "Ready", "True");
    const franchisee = spoke.as("omantel-admin");
    const image = `registry.catalyst.example/unknown@sha256:${"d".repeat(64)}`;
    const pod = {
      ...{ apiVersion: "v1", kind: "Pod" },
      metadata: { name: "unsigned", namespace: DEPLOYMENT.namespace ?? "" },
      spec: { containers: [{ name: "a", image }] },
    } as KubernetesObject;
    expect(await franchisee.apply(pod)).toMatchObject({ kind: "refused", status: 403 });
    const suspend = await franchisee.mergePatch(SOVEREIGN, { spec: { suspend: true } });
    expect(suspend).toMatchObject({ kind: "refused", message: expect.stringContaining("hub-object") });
    const branding = { displayName: "While the hub was away" };
    expect((await franchisee.mergePatch(SOVEREIGN, { spec: { branding } })).kind).toBe("accepted");

    await bench.cluster.asAdmin().mergePatch(hubOperator, { spec: { replicas: 1 } });
    await bench.cluster.waitUntil(SOVEREIGN, "status.cluster has the newest name", (object) =>
      JSON.stringify((object as { status?: object }).status).includes(branding.displayName),
    );
    await bench.waitUntilReady();
    expect(operatorsOf(bench.playground)).toHaveLength(2);
  });

  it("leaves no process and no file after Ctrl-C", async () => {
    expect(await bench.playground.interrupt()).toBe(0);
    expect(existsSync(bench.stateDir)).toBe(false);
    expect(processesWith(bench.stateDir)).toEqual([]);
  });
});
