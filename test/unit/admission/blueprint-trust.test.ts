import { describe, expect, it } from "vitest";
import { blueprintTrust } from "../../../src/admission/rules/blueprint.ts";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import type { TrustEntry } from "../../../src/api/franchise.ts";
import { CATALOG_NAMESPACE, PRIVATE_CATALOG_NAMESPACE } from "../../../src/api/name.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";

const [platform, own]: [TrustEntry, TrustEntry] = [{ publicKey: "platform" }, { publicKey: "franchise" }];
const omantel = { ...franchise("omantel"), spec: { ...franchise("omantel").spec, blueprintTrust: [own] } };

function blueprintIn(namespace: string): Blueprint {
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Blueprint",
    metadata: { name: "shop", namespace },
    spec: {
      version: "1.0.0",
      source: { ref: `oci://registry.example/shop@sha256:${"a".repeat(64)}` },
      visibility: "private",
      card: { title: "Shop", summary: "A shop" },
    },
  };
}

describe("who may have signed a Blueprint", () => {
  it("is whom the platform trusts, and for a private one whom the Franchises do", () => {
    expect(blueprintTrust(blueprintIn(PRIVATE_CATALOG_NAMESPACE), [platform], [omantel])).toEqual([
      platform,
      own,
    ]);
    expect(blueprintTrust(blueprintIn(CATALOG_NAMESPACE), [platform], [omantel])).toEqual([platform]);
    expect(blueprintTrust(blueprintIn(PRIVATE_CATALOG_NAMESPACE), [platform], [franchise("other")])).toEqual([
      platform,
    ]);
  });
});
