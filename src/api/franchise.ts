import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  flag,
  list,
  object,
  objectName,
  oneOf,
  type Static,
  set,
  Type,
  text,
  time,
  wholeNumber,
} from "./schema.ts";

/** As in RBAC, without `apiGroup`. */
export const SubjectSchema = object(
  {
    kind: oneOf(["User", "Group", "ServiceAccount"], { description: "What the name is of." }),
    name: text({ description: "Who.", maxLength: 256 }),
    namespace: Type.Optional(
      text({ description: "Namespace of a ServiceAccount.", maxLength: 63, pattern: DNS_LABEL }),
    ),
  },
  {
    description: "Somebody, as RBAC names them.",
    rules: [
      {
        rule: "(self.kind == 'ServiceAccount') == has(self.namespace)",
        message: "namespace is required exactly for a ServiceAccount: set it, or drop it",
      },
    ],
  },
);

/** Who may sign; the ConfigMap `catalyst-trust` holds the same entries. */
const TrustEntrySchema = object(
  {
    publicKey: Type.Optional(
      text({
        description: "A cosign public key in PEM.",
        maxLength: 4096,
        pattern: "^-----BEGIN PUBLIC KEY-----",
      }),
    ),
    keyless: Type.Optional(
      object(
        {
          issuer: text({ description: "OIDC issuer of the certificate, exact.", maxLength: 512 }),
          identity: text({ description: "Subject of the certificate, exact.", maxLength: 512 }),
        },
        { description: "A keyless signer." },
      ),
    ),
  },
  {
    description: "A key or an identity whose signatures count.",
    rules: [
      {
        rule: "has(self.publicKey) != has(self.keyless)",
        message: "an entry is either publicKey or keyless: set exactly one",
      },
    ],
  },
);

const omr = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 0, maximum: 1_000_000_000 }));

const VoucherGrantSchema = object(
  {
    maxActive: Type.Optional(
      wholeNumber({ description: "Live vouchers at once.", minimum: 0, maximum: 10_000_000 }),
    ),
    maxCreditPerVoucherOmr: omr("Credit of one voucher, in OMR."),
    maxOutstandingCreditOmr: omr("Credit that live vouchers may still grant, all together, in OMR."),
  },
  { description: "How far vouchers may go. A limit that is absent does not bind." },
);

const GrantsSchema = object(
  {
    vouchers: Type.Optional(VoucherGrantSchema),
    privateBlueprints: Type.Optional(
      object(
        {
          max: wholeNumber({
            description: "How many; 0 is none.",
            minimum: 0,
            maximum: 10_000,
            default: 0,
            format: "int32",
          }),
        },
        { description: "Blueprints of its own in catalog-sovereign." },
      ),
    ),
    branding: flag("Whether it may set spec.branding of its Sovereigns.", false),
    tiers: Type.Optional(
      set(
        text({
          description: "Id of a tier, or `*` for any.",
          maxLength: 63,
          pattern: "^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$",
        }),
        {
          description: "Tiers that it may pass through.",
          maxItems: 64,
        },
      ),
    ),
  },
  { description: "What the Franchisee may do. What is not granted is not allowed.", default: {} },
);

const REVENUE_SPLIT_MESSAGE =
  "the revenue split is agreed bilaterally and lives in OpenOva's accounts, not here: remove the field";

// Declared, so that they are refused with the reason and not silently pruned. CEL sees only typed fields: a split is
// written as an object, a share as a number or a percentage.
const refusedRevenueField = (type: object) =>
  Type.Optional(
    Type.Unsafe<never>({
      description: "Not kept here: the revenue split is agreed bilaterally and lives in OpenOva's accounts.",
      ...type,
    }),
  );

const FranchiseSpecSchema = object(
  {
    franchisee: object(
      {
        legalName: text({ description: "Registered name.", maxLength: 256 }),
        contactEmail: text({
          description: "Whom to write to.",
          maxLength: 254,
          pattern: "^[^@\\s]+@[^@\\s]+$",
        }),
      },
      { description: "The other party." },
    ),
    subjects: list(SubjectSchema, { description: "Who acts as this Franchisee.", maxItems: 64, minItems: 1 }),
    grants: GrantsSchema,
    blueprintTrust: Type.Optional(
      list(TrustEntrySchema, {
        description: "Who may sign this Franchisee's private Blueprints.",
        maxItems: 16,
      }),
    ),
    term: object(
      {
        start: time("First moment of the agreement."),
        end: Type.Optional(time("First moment after it. Absent: open-ended.")),
      },
      {
        description: "When the agreement holds.",
        rules: [
          {
            rule: "!has(self.end) || self.start < self.end",
            message: "end must be after start: move one of them",
          },
        ],
      },
    ),
    revenueSplit: refusedRevenueField({ type: "object", "x-kubernetes-preserve-unknown-fields": true }),
    revenueShare: refusedRevenueField({ "x-kubernetes-int-or-string": true }),
  },
  {
    description: "The agreement.",
    rules: [
      { rule: "!has(self.revenueSplit)", message: REVENUE_SPLIT_MESSAGE, fieldPath: ".revenueSplit" },
      { rule: "!has(self.revenueShare)", message: REVENUE_SPLIT_MESSAGE, fieldPath: ".revenueShare" },
    ],
  },
);

const FranchiseStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    inTerm: Type.Optional(flag("Whether the agreement holds now.")),
    sovereigns: Type.Optional(
      set(objectName("A Sovereign."), { description: "Sovereigns under this Franchise.", maxItems: 10_000 }),
    ),
    privateBlueprints: Type.Optional(
      wholeNumber({
        description: "Private Blueprints that its subjects keep.",
        minimum: 0,
        maximum: 1_000_000,
        format: "int32",
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "What the agreement amounts to now." },
);

export type Subject = Static<typeof SubjectSchema>;
export type TrustEntry = Static<typeof TrustEntrySchema>;
type FranchiseSpec = Static<typeof FranchiseSpecSchema>;
export type FranchiseStatus = Static<typeof FranchiseStatusSchema>;
export type Franchise = CatalystObject<FranchiseSpec, FranchiseStatus>;

export const FRANCHISE: KindDefinition = {
  kind: "Franchise",
  plural: "franchises",
  singular: "franchise",
  shortNames: ["fr"],
  scope: "Cluster",
  description: "The agreement with a Franchisee: who acts as it, and what it may do.",
  spec: FranchiseSpecSchema,
  status: FranchiseStatusSchema,
  printerColumns: [
    {
      name: "Franchisee",
      type: "string",
      jsonPath: ".spec.franchisee.legalName",
      description: "Registered name.",
    },
    {
      name: "In-Term",
      type: "boolean",
      jsonPath: ".status.inTerm",
      description: "Whether the agreement holds now.",
    },
    READY_COLUMN,
    {
      name: "Ends",
      type: "string",
      jsonPath: ".spec.term.end",
      description: "End of the term.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
