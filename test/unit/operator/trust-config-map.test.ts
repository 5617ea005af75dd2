import { Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import type { ConfigMapObject } from "../../../src/api/object.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { trustProblems, watchTrust } from "../../../src/operator/trust-config-map.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { fixedInformer } from "../../support/builder/reconcile-context.ts";

const manifest = (kind: string, name: string, data?: Record<string, string>) => ({
  apiVersion: "v1",
  kind,
  metadata: { name },
  ...(data === undefined ? {} : { data }),
});
const BROKEN = { "trust.yaml": "allowedRegistries: 5\nother: 1\n" };

describe("trustProblems", () => {
  it("names the key of an invalid trust, in one line", () => {
    const problems = trustProblems(manifest("ConfigMap", "catalyst-trust", BROKEN));
    expect(problems).toEqual([expect.stringMatching(/^data\[trust\.yaml\]: [^\n]+$/)]);
  });

  it.each([
    [
      "a valid trust",
      manifest("ConfigMap", "catalyst-trust", { "trust.yaml": "allowedRegistries: [a.example]" }),
    ],
    ["no data", manifest("ConfigMap", "catalyst-trust")],
    ["another ConfigMap", manifest("ConfigMap", "other", BROKEN)],
    ["another kind", manifest("Secret", "catalyst-trust", BROKEN)],
  ])("finds no problem in %s", (_, object) => {
    expect(trustProblems(object)).toEqual([]);
  });
});

describe("watchTrust", () => {
  it("reads the trust of catalyst-system, and of no other namespace or name", () => {
    const trusts = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const trust = watchTrust(
      { trust: trusts },
      { logger: createLogger("test", "silent"), registry: new Registry() },
    );
    const announce = (name: string, namespace: string) => {
      const { metadata, ...object } = manifest("ConfigMap", name, {
        "trust.yaml": "allowedRegistries: [a.example]",
      });
      trusts.announce({ kind: "added", object: { ...object, metadata: { ...metadata, namespace } } });
    };
    announce("catalyst-trust", "elsewhere");
    announce("other", "catalyst-system");
    expect(trust().allowedRegistries).toEqual([]);
    announce("catalyst-trust", "catalyst-system");
    expect(trust().allowedRegistries).toMatchObject([{ host: "a.example" }]);
  });
});
