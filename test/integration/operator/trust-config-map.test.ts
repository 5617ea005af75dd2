import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Trust } from "../../../src/admission/trust-policy.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { watchTrust } from "../../../src/operator/trust-config-map.ts";
import { type OperatorCluster, startOperatorCluster } from "../../support/server/operator-cluster.ts";

const KEY = { name: "catalyst-trust", namespace: "catalyst-system" };
const text = (registry: string) => `allowedRegistries: [${registry}]\n`;
const lines: { level: number; msg: string; error?: string }[] = [];

let cluster: OperatorCluster;
let trust: () => Trust;

beforeAll(async () => {
  cluster = await startOperatorCluster("trust-test");
  trust = watchTrust(cluster.caches, pino({}, { write: (line) => lines.push(JSON.parse(line)) }));
});
afterAll(() => cluster?.close());

const holds = (hosts: string[]) => {
  const registries = hosts.map((host) => ({ host, segments: [] }));
  return vi.waitFor(() => expect(trust().allowedRegistries).toEqual(registries), { timeout: 10_000 });
};
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
    await vi.waitFor(() => expect(lines.filter(isInvalid)).toHaveLength(1), { timeout: 10_000 });
    expect(lines.find(isInvalid)).toMatchObject({ level: 50, error: expect.stringContaining("trust.yaml") });
    await holds(["one.example"]);

    await write({ "trust.yaml": text("two.example") });
    await holds(["two.example"]);
    // Without its key, the text is empty.
    await write({ "trust.yaml": null, other: "x" });
    await holds([]);

    await write({ "trust.yaml": text("three.example") });
    await holds(["three.example"]);
    await cluster.client.delete(CONFIG_MAPS, KEY);
    await holds([]);
  });
});
