import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN, REASON_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import { RolloutSchema } from "./rollout.ts";
import { count, PHASES, RolloutStatusSchema } from "./rollout-status.ts";
import {
  FINGERPRINT,
  listMap,
  object,
  objectName,
  oneOf,
  PINNED_IMAGE,
  type Static,
  Type,
  text,
  time,
} from "./schema.ts";

const BillingReleaseSpecSchema = object(
  {
    image: text({
      description: "The billing image, `repository@sha256:<64 hex>`. No other object names it.",
      maxLength: 512,
      rules: [
        {
          rule: `self.matches('${PINNED_IMAGE}')`,
          message: "spec.image must be pinned by digest: write repository@sha256:<64 hex>, without a tag",
        },
      ],
    }),
    version: text({ description: "Version of the release, for human readers.", maxLength: 64 }),
    rollout: RolloutSchema,
  },
  { description: "The image that is released, and how it rolls out." },
);

const ReferenceSchema = object(
  {
    image: text({ description: "The image that was measured.", maxLength: 512 }),
    schemaVersion: text({ description: "Name of the last migration.", maxLength: 128 }),
    schemaFingerprint: text({
      description: "Fingerprint of the database schema.",
      maxLength: 71,
      pattern: FINGERPRINT,
    }),
    apiFingerprint: text({
      description: "Fingerprint of the voucher API.",
      maxLength: 71,
      pattern: FINGERPRINT,
    }),
    measuredOn: objectName("Name of the Sovereign that was measured: Catalyst-Zero."),
    measuredAt: time("When it was measured."),
  },
  {
    description:
      "The fingerprints that were measured on Catalyst-Zero. Every other Sovereign must have the same ones.",
  },
);

const ImageCheckSchema = object(
  {
    image: text({ description: "The image that was looked up.", maxLength: 512 }),
    result: oneOf(["Found", "NotFound", "Unknown"], {
      description: "The registry's answer. `Unknown`: it gave none, or refused the request.",
    }),
  },
  { description: "Whether the registry has the image. `NotFound` starts no Sovereign." },
);

const BillingReleaseStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    phase: Type.Optional(
      oneOf(PHASES, {
        description: "Phase of the rollout.",
      }),
    ),
    sovereigns: count("Number of Sovereigns on the release."),
    updated: count("How many of them finished the rollout of its image."),
    verified: count("How many of them have the fingerprints of the reference."),
    drifted: count("How many of them are out of sync: edited, or with other fingerprints."),
    failed: count("How many of them are stalled: a person has to act."),
    leftOut: count(
      "How many of them the rollout leaves out: suspended, held, skipped, refused, or on a cluster that the hub does not reach.",
    ),
    imageCheck: Type.Optional(ImageCheckSchema),
    rollout: Type.Optional(RolloutStatusSchema),
    reference: Type.Optional(ReferenceSchema),
    earlierReferences: Type.Optional(
      listMap(ReferenceSchema, ["image"], {
        description:
          "The references of earlier images, with which Sovereigns that wait for the rollout or go back are compared. The newest ones stay, and those of images that a Sovereign runs or may go back to.",
        maxItems: 16,
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "The observed state of the rollout." },
);

type BillingReleaseSpec = Static<typeof BillingReleaseSpecSchema>;
export type BillingReleaseStatus = Static<typeof BillingReleaseStatusSchema>;
export type BillingRelease = CatalystObject<BillingReleaseSpec, BillingReleaseStatus>;
export type ImageCheck = Static<typeof ImageCheckSchema>;
export type ReleaseReference = Static<typeof ReferenceSchema>;

/** Condition type: whether the registry has the image. */
export const IMAGE_FOUND = "ImageFound";

export const BILLING_RELEASE: KindDefinition = {
  kind: "BillingRelease",
  plural: "billingreleases",
  singular: "billingrelease",
  shortNames: ["brel"],
  scope: "Cluster",
  description:
    "The billing image, pinned by digest, and how it rolls out to the Sovereigns. No other object names the image.",
  spec: BillingReleaseSpecSchema,
  status: BillingReleaseStatusSchema,
  printerColumns: [
    { name: "Version", type: "string", jsonPath: ".spec.version", description: "Version of the release." },
    { name: "Phase", type: "string", jsonPath: ".status.phase", description: "Phase of the rollout." },
    {
      name: "Sovereigns",
      type: "integer",
      jsonPath: ".status.sovereigns",
      description: "Sovereigns on the release.",
    },
    {
      name: "Updated",
      type: "integer",
      jsonPath: ".status.updated",
      description: "Sovereigns that run its image.",
    },
    {
      name: "Verified",
      type: "integer",
      jsonPath: ".status.verified",
      description: "Sovereigns with the fingerprints of the reference.",
    },
    {
      name: "Drifted",
      type: "integer",
      jsonPath: ".status.drifted",
      description: "Sovereigns that are out of sync.",
    },
    {
      name: "Stage",
      type: "string",
      jsonPath: ".status.rollout.stage",
      description: "The stage that takes the image now.",
    },
    READY_COLUMN,
    REASON_COLUMN,
    {
      name: "Held Up By",
      type: "string",
      jsonPath: ".status.rollout.heldUpBy[0].name",
      description: "The first Sovereign that holds the rollout up.",
    },
    {
      name: "Because",
      type: "string",
      jsonPath: ".status.rollout.heldUpBy[0].reason",
      description: "Reason for that Sovereign's Ready.",
    },
    { name: "Image", type: "string", jsonPath: ".spec.image", description: "The pinned image.", priority: 1 },
    AGE_COLUMN,
  ],
};
