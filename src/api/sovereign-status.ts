import { conditionsField, observedGenerationField } from "./condition.ts";
import { FINGERPRINT, flag, listMap, object, type Static, Type, text, time } from "./schema.ts";

const fingerprint = (description: string) =>
  Type.Optional(text({ description, maxLength: 71, pattern: FINGERPRINT }));

const SmokeStepSchema = object(
  {
    name: text({ description: "list, issue, preview or revoke.", maxLength: 32 }),
    passed: flag("Whether it held."),
    durationMs: Type.Number({ description: "How long it took, in milliseconds.", minimum: 0 }),
    message: Type.Optional(Type.String({ description: "What was seen.", maxLength: 1024 })),
  },
  { description: "One step of the smoke test." },
);

export const SovereignStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    pinnedImage: Type.Optional(
      text({ description: "The image that runs: `repository@sha256:<64 hex>`.", maxLength: 512 }),
    ),
    schemaVersion: Type.Optional(text({ description: "Name of the last migration.", maxLength: 128 })),
    schemaFingerprint: fingerprint("Measured shape of the database schema."),
    apiFingerprint: fingerprint("Measured shape of the voucher API."),
    url: Type.Optional(text({ description: "Where the voucher API answers.", maxLength: 512 })),
    migration: Type.Optional(
      object(
        {
          image: text({ description: "The image whose migration ran.", maxLength: 512 }),
          database: text({
            description:
              "Which database it ran on: digest of the Secret, and of host, port and name in its URL; no credentials.",
            maxLength: 71,
            pattern: FINGERPRINT,
          }),
        },
        {
          description:
            "The last migration that ended well. Another image, or another database, needs another one.",
        },
      ),
    ),
    lastSmokeTest: Type.Optional(
      object(
        {
          time: time("When it ran."),
          passed: flag("Whether all four steps held."),
          evidence: Type.Optional(
            text({
              description: "What was asked: digest of the workload, the configuration and the Pods.",
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
    conditions: conditionsField(),
  },
  { description: "What the Sovereign is." },
);

export type SovereignStatus = Static<typeof SovereignStatusSchema>;

/** Condition types besides `Ready`, `Reconciling` and `Stalled`, in the order in which they come true. */
export const SOVEREIGN_CONDITION = {
  imagePinned: "ImagePinned",
  databaseReady: "DatabaseReady",
  migrated: "Migrated",
  rolledOut: "RolledOut",
  voucherShapeVerified: "VoucherShapeVerified",
  inSync: "InSync",
} as const;
