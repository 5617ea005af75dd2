import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Blueprint } from "../../../src/api/blueprint.ts";
import type { Condition } from "../../../src/api/condition.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import type { Sovereign, SovereignSpec, SovereignStatus } from "../../../src/api/sovereign.ts";

export const NOW = "2026-11-24T12:00:00.000Z";
export const IMAGE = `registry.example/catalyst@sha256:${"a".repeat(64)}`;
export const NEXT_IMAGE = `registry.example/catalyst@sha256:${"b".repeat(64)}`;

export function sovereign(
  name: string,
  spec: Partial<SovereignSpec> = {},
  status?: SovereignStatus,
): Sovereign {
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Sovereign",
    metadata: { name, uid: `uid-${name}`, generation: 1 },
    spec: {
      fqdn: `${name}.example`,
      role: "SelfHosted",
      suspend: false,
      billing: {
        release: "stable",
        replicas: 2,
        currency: "OMR",
        database: { secretRef: { name: "billing-db", key: "uri" } },
        auth: { secretRef: { name: "billing-jwt", key: "secret" } },
      },
      ...spec,
    },
    ...(status === undefined ? {} : { status }),
  };
}

export function condition(type: string, status: Condition["status"], at = NOW): Condition {
  return { type, status, reason: "Test", message: "", lastTransitionTime: at };
}

/** The status of a Sovereign that runs `image`, with a shape that is verified since `at`. */
export function verifiedOn(image: string, at = NOW): SovereignStatus {
  return {
    pinnedImage: image,
    verified: { image, since: at },
    schemaVersion: "0001",
    schemaFingerprint: `sha256:${"1".repeat(64)}`,
    apiFingerprint: `sha256:${"2".repeat(64)}`,
    lastSmokeTest: { time: at, passed: true, steps: [] },
    conditions: [
      condition("RolledOut", "True", at),
      condition("VoucherShapeVerified", "True", at),
      condition("InSync", "True", at),
    ],
  };
}

/** A Sovereign took its image for `release()`. */
const IMAGE_CHANGE = { releaseUid: "uid-stable", generation: 1 };

/** The status of a Sovereign that serves with `image`, after an earlier one. */
export const servingOn = (image: string, at = NOW): SovereignStatus => ({
  ...verifiedOn(image, at),
  previousImage: `registry.example/catalyst@sha256:${"0".repeat(64)}`,
  imageChange: IMAGE_CHANGE,
});

/** The status of a Sovereign that updates from `earlier` to `image`. */
export const updatingTo = (image: string, earlier: string): SovereignStatus => ({
  ...verifiedOn(earlier),
  pinnedImage: image,
  previousImage: earlier,
  imageChange: IMAGE_CHANGE,
  conditions: [condition("VoucherShapeVerified", "False")],
});

/** The status of a Sovereign that served with `earlier` and failed on `image`. */
export const failedOn = (image: string, earlier: string): SovereignStatus => ({
  ...updatingTo(image, earlier),
  conditions: [condition("VoucherShapeVerified", "False"), condition("Stalled", "True")],
});

/** The status of a Sovereign that is verified on `image`, where more requests fail than on the previous image. */
export const regressedOn = (image: string): SovereignStatus => ({
  ...servingOn(image),
  errorRate: { image },
  conditions: [
    condition("VoucherShapeVerified", "True"),
    condition("Ready", "True"),
    {
      ...condition("ErrorRateNormal", "False"),
      reason: "ErrorRateRegressed",
      message: "42 of 500 requests (8.40 %) failed",
    },
  ],
});

/** A BillingRelease whose image was found in the registry. */
export function release(
  spec: Partial<BillingRelease["spec"]["rollout"]> = {},
  status?: BillingRelease["status"],
): BillingRelease {
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "BillingRelease",
    metadata: { name: "stable", uid: "uid-stable", generation: 1 },
    spec: {
      image: NEXT_IMAGE,
      version: "2.0.0",
      rollout: { maxUnavailable: 1, bake: "0s", haltOnFailure: true, backwardCompatible: false, ...spec },
    },
    status: { imageCheck: { image: NEXT_IMAGE, result: "Found" }, ...status },
  };
}

export function measured(image: string): NonNullable<BillingRelease["status"]> {
  const { schemaFingerprint = "", apiFingerprint = "" } = verifiedOn(image);
  return {
    reference: {
      image,
      schemaVersion: "0001",
      schemaFingerprint,
      apiFingerprint,
      measuredOn: "zero",
      measuredAt: NOW,
    },
  };
}

export function franchise(
  name: string,
  term: Franchise["spec"]["term"] = { start: "2026-01-01T00:00:00Z" },
): Franchise {
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Franchise",
    metadata: { name },
    spec: {
      franchisee: { legalName: name, contactEmail: `cloud@${name}.example` },
      subjects: [{ kind: "User", name: `${name}-admin` }],
      grants: { branding: true, vouchers: { maxActive: 10 } },
      term,
    },
  };
}

/** A verified public Blueprint of the catalog. */
export function blueprint(
  name: string,
  spec: Partial<Blueprint["spec"]> = {},
  { namespace = "catalog", verified = "True" }: { namespace?: string; verified?: Condition["status"] } = {},
): Blueprint {
  const digest = `sha256:${"c".repeat(64)}`;
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Blueprint",
    metadata: { name, namespace, generation: 1 },
    spec: {
      version: "1.0.0",
      source: { ref: `oci://registry.example/blueprints/${name}@${digest}` },
      visibility: "listed",
      card: { title: name.toUpperCase() },
      ...spec,
    },
    status: { verifiedDigest: digest, conditions: [condition("Verified", verified)] },
  };
}

export const atGeneration = (generation: number, { metadata, ...rest }: BillingRelease): BillingRelease => ({
  ...rest,
  metadata: { ...metadata, generation },
});
