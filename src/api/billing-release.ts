import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  duration,
  FINGERPRINT,
  flag,
  intOrPercentage,
  listMap,
  object,
  objectName,
  oneOf,
  PINNED_IMAGE,
  type Static,
  set,
  Type,
  text,
  time,
  wholeNumber,
} from "./schema.ts";

const RolloutSchema = object(
  {
    canaries: Type.Optional(
      set(objectName("A Sovereign."), {
        description: "Sovereigns that go first, beside the CatalystZero, on which the release is measured.",
        maxItems: 64,
      }),
    ),
    maxUnavailable: intOrPercentage({
      description:
        "How many Sovereigns of a wave may be updating at once: a number, or a percentage of those on the release.",
      default: 1,
    }),
    bake: duration({ description: "How long a wave must hold before the next begins.", default: "0s" }),
    haltOnFailure: flag("Whether a failed Sovereign stops the rollout.", true),
    backwardCompatible: flag(
      "Whether the previous image works on this release's schema: whoever takes a halted rollout back has to know.",
      false,
    ),
  },
  { description: "How the release reaches the Sovereigns: canaries first, then waves.", default: {} },
);

const BillingReleaseSpecSchema = object(
  {
    image: text({
      description: "The billing image: `repository@sha256:<64 hex>`. The one place where it is named.",
      maxLength: 512,
      rules: [
        {
          rule: `self.matches('${PINNED_IMAGE}')`,
          message: "image must be pinned: write repository@sha256:<64 hex>, with no tag",
        },
      ],
    }),
    version: text({ description: "What people call the release.", maxLength: 64 }),
    rollout: RolloutSchema,
  },
  { description: "What is released, and how." },
);

const count = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 0, maximum: 1_000_000, format: "int32" }));

const ReferenceSchema = object(
  {
    image: text({ description: "The image that was measured.", maxLength: 512 }),
    schemaVersion: text({ description: "Name of the last migration.", maxLength: 128 }),
    schemaFingerprint: text({
      description: "Shape of the database schema.",
      maxLength: 71,
      pattern: FINGERPRINT,
    }),
    apiFingerprint: text({ description: "Shape of the voucher API.", maxLength: 71, pattern: FINGERPRINT }),
    measuredOn: objectName("The Sovereign that was measured: Catalyst-Zero."),
    measuredAt: time("When."),
  },
  { description: "What was measured on Catalyst-Zero, and what every other Sovereign must equal." },
);

const BillingReleaseStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    phase: Type.Optional(
      oneOf(["Pending", "Canary", "Progressing", "Baking", "Halted", "Complete"], {
        description: "Where the rollout stands.",
      }),
    ),
    sovereigns: count("Sovereigns on the release."),
    updated: count("Of these, with its digest rolled out."),
    verified: count("Of these, with the reference's fingerprints."),
    drifted: count("Of these, that differ from it."),
    failed: count("Of these, that cannot get there by themselves."),
    reference: Type.Optional(ReferenceSchema),
    earlierReferences: Type.Optional(
      listMap(ReferenceSchema, ["image"], {
        description:
          "What was measured of earlier images that Sovereigns still run while they wait for their turn.",
        maxItems: 16,
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "How far the release has come." },
);

type BillingReleaseSpec = Static<typeof BillingReleaseSpecSchema>;
export type BillingReleaseStatus = Static<typeof BillingReleaseStatusSchema>;
export type BillingRelease = CatalystObject<BillingReleaseSpec, BillingReleaseStatus>;
export type ReleaseReference = Static<typeof ReferenceSchema>;

export const BILLING_RELEASE: KindDefinition = {
  kind: "BillingRelease",
  plural: "billingreleases",
  singular: "billingrelease",
  shortNames: ["brel"],
  scope: "Cluster",
  description:
    "The one place where the billing image is named, by digest, and how it reaches the Sovereigns.",
  spec: BillingReleaseSpecSchema,
  status: BillingReleaseStatusSchema,
  printerColumns: [
    { name: "Version", type: "string", jsonPath: ".spec.version", description: "What people call it." },
    { name: "Phase", type: "string", jsonPath: ".status.phase", description: "Where the rollout stands." },
    { name: "Sovereigns", type: "integer", jsonPath: ".status.sovereigns", description: "On the release." },
    { name: "Updated", type: "integer", jsonPath: ".status.updated", description: "With its digest." },
    {
      name: "Verified",
      type: "integer",
      jsonPath: ".status.verified",
      description: "With the reference's shape.",
    },
    { name: "Drifted", type: "integer", jsonPath: ".status.drifted", description: "That differ." },
    READY_COLUMN,
    { name: "Image", type: "string", jsonPath: ".spec.image", description: "Pinned image.", priority: 1 },
    AGE_COLUMN,
  ],
};
