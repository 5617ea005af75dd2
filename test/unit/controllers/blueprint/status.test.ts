import { describe, expect, it } from "vitest";
import type { Blueprint } from "../../../../src/api/blueprint.ts";
import {
  type BlueprintVerdict,
  desiredStatus,
  isTrusted,
} from "../../../../src/controllers/blueprint/status.ts";
import { NOW } from "../../../support/builder/catalyst-object.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const blueprint = (generation?: number): Blueprint => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "Blueprint",
  metadata: { name: "shop", ...(generation === undefined ? {} : { generation }) },
  spec: {
    version: "1.0.0",
    source: { ref: `oci://registry.test/shop@${DIGEST}` },
    visibility: "private",
    card: { title: "Shop" },
  },
});

describe("a Blueprint's status", () => {
  it.each<[string, BlueprintVerdict, object, object]>([
    [
      "a signature",
      { kind: "verified", digest: DIGEST, by: "key SHA256:abc" },
      { verifiedDigest: DIGEST, signedBy: "key SHA256:abc" },
      { status: "True", reason: "SignatureVerified", message: "signed by key SHA256:abc" },
    ],
    [
      "an allowed registry",
      { kind: "allowed", digest: DIGEST, registry: "registry.test/team" },
      { verifiedDigest: DIGEST },
      {
        status: "True",
        reason: "RegistryAllowed",
        message:
          "no signature is required: registry.test/team is an allowed registry in ConfigMap catalyst-system/catalyst-trust",
      },
    ],
    [
      "a refusal",
      { kind: "refused", reason: "registry.test/shop is not signed" },
      {},
      { status: "False", reason: "VerificationFailed", message: "registry.test/shop is not signed" },
    ],
    [
      "an exceeded grant",
      { kind: "withheld", reason: "delete one" },
      {},
      { status: "False", reason: "GrantExceeded", message: "delete one" },
    ],
  ])(
    "reports %s in Ready and Verified, and leaves out what does not apply",
    (_, verdict, fields, condition) => {
      const { conditions, ...rest } = desiredStatus(blueprint(3), verdict, NOW);
      expect(rest).toEqual({ observedGeneration: 3, ...fields });
      const stalled = isTrusted(verdict) ? [] : ["Stalled"];
      expect(conditions?.map(({ type }) => type)).toEqual(["Ready", ...stalled, "Verified"]);
      for (const { type, ...each } of conditions ?? [])
        expect(each).toMatchObject({
          ...condition,
          ...(type === "Stalled" ? { status: "True" } : {}),
          observedGeneration: 3,
        });
    },
  );

  it("leaves out the generation of an object that has none", () => {
    const status = desiredStatus(blueprint(), { kind: "refused", reason: "x" }, NOW);
    expect(status).not.toHaveProperty("observedGeneration");
  });
});
