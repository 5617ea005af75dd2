import { conditionsField, observedGenerationField } from "./condition.ts";
import { FINGERPRINT, flag, listMap, object, type Static, Type, text, time, wholeNumber } from "./schema.ts";
import { OFFER_FIELDS } from "./sovereign-offer.ts";

const fingerprint = (description: string) =>
  Type.Optional(text({ description, maxLength: 71, pattern: FINGERPRINT }));

const requests = (description: string) =>
  wholeNumber({ description, minimum: 0, maximum: Number.MAX_SAFE_INTEGER });

const SmokeStepSchema = object(
  {
    name: text({ description: "The step: `list`, `issue`, `preview` or `revoke`.", maxLength: 32 }),
    passed: flag("Whether the step passed."),
    durationMs: Type.Number({ description: "How long the step took, in milliseconds.", minimum: 0 }),
    message: Type.Optional(Type.String({ description: "What the step observed.", maxLength: 1024 })),
  },
  { description: "One step of the smoke test." },
);

export const SovereignStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    pinnedImage: Type.Optional(
      text({ description: "The image that runs: `repository@sha256:<64 hex>`.", maxLength: 512 }),
    ),
    verified: Type.Optional(
      object(
        {
          image: text({ description: "The image that was verified.", maxLength: 512 }),
          since: time("Since when it was verified without a break."),
        },
        {
          description:
            "The last image whose smoke test passed and whose fingerprints equal the reference. A rollout goes by it.",
        },
      ),
    ),
    previousImage: Type.Optional(
      text({
        description: "The verified image before the pinned one, to which an aborted rollout goes back.",
        maxLength: 512,
      }),
    ),
    imageChange: Type.Optional(
      object(
        {
          releaseUid: text({ description: "UID of the BillingRelease.", maxLength: 64 }),
          generation: wholeNumber({
            description: "Generation of the BillingRelease.",
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
          }),
        },
        {
          description:
            "The BillingRelease for which the Sovereign left the previous image. A rollout sends it back only if it left the image in this rollout.",
        },
      ),
    ),
    takenWhileFailing: Type.Optional(
      text({
        description:
          "The pinned image, if the Sovereign took it while it failed on the one before. Until it is verified on it, its failure does not count against the image.",
        maxLength: 512,
      }),
    ),
    schemaVersion: Type.Optional(text({ description: "Name of the last migration.", maxLength: 128 })),
    schemaFingerprint: fingerprint("Measured fingerprint of the database schema."),
    apiFingerprint: fingerprint("Measured fingerprint of the voucher API."),
    url: Type.Optional(text({ description: "URL of the voucher API.", maxLength: 512 })),
    migration: Type.Optional(
      object(
        {
          image: text({ description: "The image whose migration ran.", maxLength: 512 }),
          database: text({
            description:
              "Digest that identifies the database: of the Secret, and of host, port and name in its URL. It contains no credentials.",
            maxLength: 71,
            pattern: FINGERPRINT,
          }),
          job: Type.Optional(text({ description: "Name of the Job.", maxLength: 63 })),
        },
        {
          description:
            "The last migration that succeeded. Another image or another database needs another migration.",
        },
      ),
    ),
    progress: Type.Optional(
      object(
        {
          generation: wholeNumber({
            description: "The generation of the spec.",
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
          }),
          image: Type.Optional(text({ description: "The image.", maxLength: 512 })),
          since: time("Since when. `spec.billing.deadlines` count from here."),
        },
        {
          description:
            "What the Sovereign moves to while it is not Ready. Absent while nothing is left to do.",
        },
      ),
    ),
    lastSmokeTest: Type.Optional(
      object(
        {
          time: time("When the smoke test ran."),
          passed: flag("Whether all four steps passed on every Pod, and all Pods serve one API."),
          failures: Type.Optional(
            wholeNumber({
              description: "How many smoke tests of this image failed since the last one that passed.",
              minimum: 0,
              maximum: 1_000_000,
              format: "int32",
            }),
          ),
          evidence: Type.Optional(
            text({
              description: "Digest of the workload, the configuration and the Pods that were tested.",
              maxLength: 71,
              pattern: FINGERPRINT,
            }),
          ),
          steps: listMap(SmokeStepSchema, ["name"], {
            description: "The four steps, in order.",
            maxItems: 8,
          }),
        },
        { description: "The last smoke test." },
      ),
    ),
    errorRate: Type.Optional(
      object(
        {
          image: text({ description: "The image that was taken.", maxLength: 512 }),
          before: Type.Optional(
            object(
              {
                image: text({ description: "The previous image.", maxLength: 512 }),
                requests: requests("How many requests its Pods had answered."),
                serverErrors: requests("How many of these answers had a 5xx status."),
              },
              {
                description:
                  "What was counted of the previous image. Absent: it could not be counted, and the error rate halts no rollout.",
              },
            ),
          ),
        },
        {
          description:
            "What the error rate of the image is compared with. Condition ErrorRateNormal has the result.",
        },
      ),
    ),
    cluster: Type.Optional(
      object(
        {
          uid: text({
            description:
              "UID of the cluster's namespace kube-system, recorded at the first contact. A cluster with another one is refused.",
            maxLength: 64,
          }),
          stalledOn: Type.Optional(
            text({
              description:
                "The image on which the Sovereign was stalled, or failed more requests than before, when the hub last saw it. A cluster that then cannot be reached still halts the rollout of that image.",
              maxLength: 512,
            }),
          ),
          ...OFFER_FIELDS,
        },
        {
          description:
            "What the hub knows of the Sovereign's own cluster. Branding, tiers and add-ons are those that are set there.",
        },
      ),
    ),
    conditions: conditionsField(),
  },
  { description: "The observed state of the Sovereign." },
);

export type SovereignStatus = Static<typeof SovereignStatusSchema>;

/** Condition types besides `Ready`, `Reconciling` and `Stalled`, in the order in which a new Sovereign reaches them. */
export const SOVEREIGN_CONDITION = {
  imagePinned: "ImagePinned",
  databaseReady: "DatabaseReady",
  migrated: "Migrated",
  rolledOut: "RolledOut",
  voucherShapeVerified: "VoucherShapeVerified",
  inSync: "InSync",
} as const;

/**
 * Whether billing has all settings that the Franchisee may choose. It does not count for `Ready`: billing runs without a
 * setting that its Franchise does not grant, and a Franchisee must not be able to block a rollout.
 */
export const SETTINGS_ACCEPTED = "SettingsAccepted";

/**
 * Whether the operator can read the keys of the OIDC issuer, over TLS with the authorities that billing trusts. It does not
 * count for `Ready`: an issuer that is down must not halt a rollout. Absent on a Sovereign that never had an issuer
 * with TLS.
 */
export const ISSUER_REACHABLE = "IssuerReachable";

/** Whether requests fail no more often than on the previous image. It does not count for `Ready`. A rollout uses it. */
export const ERROR_RATE_NORMAL = "ErrorRateNormal";

/** Whether the hub reaches the Sovereign's own cluster. Absent on a Sovereign of this cluster. */
export const CLUSTER_REACHABLE = "ClusterReachable";
