import { describe, expect, it } from "vitest";
import type { Artifact } from "../../../src/admission/rules/fact.ts";
import { parseTrust } from "../../../src/admission/trust-file.ts";
import { decideTrust } from "../../../src/admission/trust-policy.ts";
import type { TrustEntry } from "../../../src/api/franchise.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;
const PLATFORM: TrustEntry = { publicKey: "platform" };
const OWN: TrustEntry = { publicKey: "franchise" };
const NOW = "2026-06-01T00:00:00Z";

const omantel = (term = { start: "2026-01-01T00:00:00Z", end: "2027-01-01T00:00:00Z" }) => {
  const { spec, ...rest } = franchise("omantel", term);
  return { ...rest, spec: { ...spec, blueprintTrust: [OWN] } };
};
const PRIVATE: Artifact["use"] & { kind: "blueprint" } = {
  kind: "blueprint",
  namespace: "catalog-sovereign",
  visibility: "private",
  franchise: "omantel",
};
const decide = (
  reference: string,
  { use = { kind: "image" } as Artifact["use"], allowed = "", franchises = [omantel()], now = NOW } = {},
) =>
  decideTrust(
    { reference, use },
    {
      trust: {
        ...parseTrust({ "trust.yaml": `allowedRegistries: [${allowed}]` }).trust,
        entries: [PLATFORM],
      },
      franchises,
      nowMs: Date.parse(now),
    },
  );

describe("an allowed registry", () => {
  it.each([
    ["the registry itself", "registry.test", "registry.test/shop", "registry.test"],
    ["a trailing slash", "registry.test/", "registry.test/shop", "registry.test"],
    ["a path", "registry.test/team", "registry.test/team/web/shop", "registry.test/team"],
    [
      "the repository itself",
      "registry.test/team/shop",
      "registry.test/team/shop",
      "registry.test/team/shop",
    ],
    ["a tag beside the digest", "registry.test/team", "registry.test/team/shop:1.0.0", "registry.test/team"],
    ["a port", "registry.test:5000", "registry.test:5000/shop", "registry.test:5000"],
    ["the second of two", "other.test, registry.test", "registry.test/shop", "registry.test"],
    [
      "the first that matches",
      "registry.test/team, registry.test",
      "registry.test/team/shop",
      "registry.test/team",
    ],
    [
      "the first that matches, although it is wider",
      "registry.test, registry.test/team",
      "registry.test/team/shop",
      "registry.test",
    ],
    ["the default host", "docker.io/library", "nginx", "docker.io/library"],
    ["the oci scheme", "registry.test", "oci://registry.test/shop", "registry.test"],
  ])("requires no signature from an allowed registry: %s", (_, allowed, name, registry) => {
    for (const use of [{ kind: "image" }, { kind: "chart" }, PRIVATE] as const)
      expect(decide(`${name}@${DIGEST}`, { allowed, use })).toEqual({
        kind: "allowed",
        digest: DIGEST,
        registry,
      });
  });

  it.each([
    ["a host that only begins so", "registry.test", "registry.test.evil/shop"],
    ["a host that only ends so", "registry.test", "evil-registry.test/shop"],
    ["a segment that only begins so", "registry.test/team", "registry.test/team-evil/shop"],
    ["another port", "registry.test:5000", "registry.test:5001/shop"],
    ["a port where none is allowed", "registry.test", "registry.test:5000/shop"],
    ["no port where one is allowed", "registry.test:5000", "registry.test/shop"],
    ["the path below another", "registry.test/team", "registry.test/evil/team/shop"],
    ["the parent", "registry.test/team/shop", "registry.test/team"],
    ["a path of docker.io that looks like it", "registry.test", "registry/test/shop"],
    ["a short name of docker.io", "registry.test", "nginx"],
  ])("does not cover %s", (_, allowed, name) => {
    expect(decide(`${name}@${DIGEST}`, { allowed })).toMatchObject({ kind: "signatureRequired" });
  });

  it.each([
    ["registry.test/team", "registry.test/team/../evil/shop"],
    ["registry.test/team", "registry.test/team/./shop"],
    ["registry.test/team", "registry.test//team/shop"],
    ["registry.test", "REGISTRY.test/shop"],
    ["registry.test", "registry.test/Shop"],
    ["registry.test", "oci://oci://registry.test/shop"],
    ["registry.test", "https://registry.test/shop"],
    ["registry.test", "registry.test/oci://shop"],
    ["registry.test", " registry.test/shop"],
    ["registry.test", "registry.test/shop\u0000"],
    ["registry.test", "registry.test@evil.test/shop"],
    ["docker.io", "localhost/shop"],
  ])("%s is not reached by the invalid %j", (allowed, name) => {
    expect(decide(`${name}@${DIGEST}`, { allowed })).toMatchObject({ kind: "refused" });
  });

  it("refuses an artifact without a digest from an allowed registry", () => {
    expect(decide("registry.test/shop:1.0.0", { allowed: "registry.test" })).toEqual({
      kind: "refused",
      reason: "registry.test/shop:1.0.0 has no digest; write repository@sha256:<64 hex>",
    });
  });
});

describe("a signature is accepted", () => {
  const signers = (use: Artifact["use"], change = {}) => {
    const decision = decide(`registry.test/shop@${DIGEST}`, { use, ...change });
    return decision.kind === "signatureRequired" ? decision.by : decision;
  };

  it.each<[string, Artifact["use"], TrustEntry[]]>([
    ["the platform for an image", { kind: "image" }, [PLATFORM]],
    ["the platform and the Franchise for a chart", { kind: "chart" }, [PLATFORM, OWN]],
    ["the platform and the Franchise for a private Blueprint", PRIVATE, [PLATFORM, OWN]],
    ["the platform for a public Blueprint", { ...PRIVATE, namespace: "catalog" }, [PLATFORM]],
    ["the platform for a listed Blueprint", { ...PRIVATE, visibility: "listed" }, [PLATFORM]],
    ["the platform for another Franchise's Blueprint", { ...PRIVATE, franchise: "other" }, [PLATFORM]],
    ["the platform for a Blueprint of no Franchise", { ...PRIVATE, franchise: undefined }, [PLATFORM]],
    ["the platform for a Blueprint without visibility", { ...PRIVATE, visibility: undefined }, [PLATFORM]],
  ])("accepts a signature from %s", (_, use, expected) => expect(signers(use)).toEqual(expected));

  it.each([
    ["before its term", "2025-12-31T23:59:59Z", [PLATFORM]],
    ["when its term starts", "2026-01-01T00:00:00Z", [PLATFORM, OWN]],
    ["until its term ends", "2026-12-31T23:59:59Z", [PLATFORM, OWN]],
    ["after its term", "2027-01-01T00:00:00Z", [PLATFORM]],
  ])("accepts a signature from a Franchise %s", (_, now, expected) =>
    expect(signers(PRIVATE, { now })).toEqual(expected),
  );

  it("accepts only the platform's signature when no Franchise acts, or the Franchise lists no key", () => {
    expect(signers(PRIVATE, { franchises: [] })).toEqual([PLATFORM]);
    expect(signers(PRIVATE, { franchises: [franchise("other")] })).toEqual([PLATFORM]);
  });

  it("accepts a signature for the parsed reference", () => {
    expect(decide(`oci://registry.test/team/shop:1@${DIGEST}`)).toEqual({
      kind: "signatureRequired",
      reference: { host: "registry.test", repository: "team/shop", digest: DIGEST },
      by: [PLATFORM],
    });
  });
});
