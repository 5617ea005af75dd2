import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Trust } from "../../../src/admission/trust-policy.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { watchTrust } from "../../../src/operator/trust-config-map.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";
import { eventually } from "../../support/wait.ts";

const KEY = { name: "catalyst-trust", namespace: "catalyst-system" };
const text = (registry: string) => `allowedRegistries: [${registry}]\n`;
const lines: { level: number; msg: string; error?: string; problem?: string }[] = [];

const registry = new Registry();

let cluster: OperatorCluster;
let trust: () => Trust;

beforeAll(async () => {
  cluster = await startOperatorCluster("trust-test");
  trust = watchTrust(cluster.caches, {
    logger: pino({}, { write: (line) => lines.push(JSON.parse(line)) }),
    registry,
  });
});
afterAll(() => cluster?.close());

const holds = (hosts: string[]) => {
  const registries = hosts.map((host) => ({ host, segments: [] }));
  return eventually(() => expect(trust().allowedRegistries).toEqual(registries));
};
const problems = async () =>
  (await registry.getSingleMetric("catalyst_trust_problems")?.get())?.values[0]?.value;
const write = (data: Record<string, string | null>) => cluster.client.mergePatch(CONFIG_MAPS, KEY, { data });

describe("watchTrust", () => {
  it("follows the ConfigMap, and keeps the last valid trust while its text is invalid", async () => {
    expect(trust().allowedRegistries).toEqual([]);
    await cluster.client.create(CONFIG_MAPS, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: KEY,
      data: { "trust.yaml": text("one.example") },
    } as KubernetesObject);
    await holds(["one.example"]);

    await write({ "trust.yaml": "[]" });
    const isInvalid = ({ msg }: { msg: string }) =>
      msg === "ConfigMap catalyst-system/catalyst-trust is invalid: the last valid trust stays in force";
    await eventually(() => expect(lines.filter(isInvalid)).toHaveLength(1));
    expect(lines.find(isInvalid)).toMatchObject({ level: 50, error: expect.stringContaining("trust.yaml") });
    await holds(["one.example"]);
    expect(await problems()).toBe(1);

    await write({ "trust.yaml": text("two.example") });
    await holds(["two.example"]);
    expect(await problems()).toBe(0);
    await write({
      "trust.yaml": `${text("two.example")}trust: [{ publicKey: x }]\n`,
      "trusted-root.json": "{}",
    });
    await eventually(async () => expect(await problems()).toBe(2));
    expect(trust().entries).toEqual([]);
    await holds(["two.example"]);
    expect(lines.flatMap(({ problem }) => problem ?? [])).toEqual([
      "trust[0].publicKey must be a public key in PEM: paste the file cosign.pub, from -----BEGIN PUBLIC KEY-----",
      "trusted-root.json must have certificateAuthorities: add the certificates of your Fulcio",
    ]);
    await write({ "trusted-root.json": null });
    // Without its key, the text is empty.
    await write({ "trust.yaml": null, other: "x" });
    await holds([]);

    await write({ "trust.yaml": text("three.example") });
    await holds(["three.example"]);
    await cluster.client.delete(CONFIG_MAPS, KEY);
    await holds([]);
  });
});
