import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
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

/** `DNS_SUBDOMAIN` without a backslash, which a CEL string would read as the start of an escape. */
const ACCOUNT_NAME = DNS_SUBDOMAIN.replaceAll("\\.", "[.]");

/** As in RBAC, without `apiGroup`. */
export const SubjectSchema = object(
  {
    kind: oneOf(["User", "Group", "ServiceAccount"], { description: "Kind of the subject." }),
    name: text({ description: "Name of the subject.", maxLength: 256 }),
    namespace: Type.Optional(
      text({ description: "Namespace of a ServiceAccount.", maxLength: 63, pattern: DNS_LABEL }),
    ),
  },
  {
    description: "A user, a group or a ServiceAccount, named as in RBAC.",
    rules: [
      {
        rule: "(self.kind == 'ServiceAccount') == has(self.namespace)",
        message: "namespace is required when kind is ServiceAccount, and not allowed otherwise",
      },
      {
        rule: "!self.name.startsWith('system:') || (self.kind == 'Group' ? self.name.startsWith('system:serviceaccounts:') : self.name.startsWith('system:serviceaccount:'))",
        message:
          "names that begin with system: are those of Kubernetes itself, such as every authenticated user: name users, groups or ServiceAccounts of your own",
        fieldPath: ".name",
      },
      {
        rule: `self.kind != 'ServiceAccount' || self.name.matches('${ACCOUNT_NAME}')`,
        message:
          "name of a ServiceAccount must have lower-case letters, digits, hyphens and dots only, because RBAC refuses another one together with every other subject: write the account's name without its namespace",
        fieldPath: ".name",
      },
    ],
  },
);

/** A trusted signer. The ConfigMap `catalyst-trust` has entries of the same form. */
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
          issuer: text({
            description: "OIDC issuer of the certificate. It must match exactly.",
            maxLength: 512,
          }),
          identity: text({
            description: "Subject of the certificate. It must match exactly.",
            maxLength: 512,
          }),
        },
        { description: "An identity that signs without a key of its own." },
      ),
    ),
  },
  {
    description: "A key or an identity whose signatures are trusted.",
    rules: [
      {
        rule: "has(self.publicKey) != has(self.keyless)",
        message: "an entry of blueprintTrust needs either publicKey or keyless: set exactly one",
      },
    ],
  },
);

const omr = (description: string) =>
  Type.Optional(wholeNumber({ description, minimum: 0, maximum: 1_000_000_000 }));

const VoucherGrantSchema = object(
  {
    maxActive: Type.Optional(
      wholeNumber({
        description: "How many vouchers may be active at once.",
        minimum: 0,
        maximum: 10_000_000,
      }),
    ),
    maxCreditPerVoucherOmr: omr(
      "The most credit that one voucher may grant, in whole units of the Sovereign's currency.",
    ),
    maxOutstandingCreditOmr: omr(
      "The most credit that all active vouchers together may still grant, in whole units of the Sovereign's currency.",
    ),
  },
  { description: "Limits for vouchers. A limit that is absent does not apply." },
);

const GrantsSchema = object(
  {
    vouchers: Type.Optional(VoucherGrantSchema),
    privateBlueprints: Type.Optional(
      object(
        {
          max: wholeNumber({
            description: "How many the Franchisee may have; 0 means none.",
            minimum: 0,
            maximum: 10_000,
            default: 0,
            format: "int32",
          }),
        },
        { description: "The Franchisee's own Blueprints, in the namespace catalog-sovereign." },
      ),
    ),
    branding: flag("Whether the Franchisee may set spec.branding of its Sovereigns.", false),
    tiers: Type.Optional(
      set(
        text({
          description: "Id of a tier, or `*` for any.",
          maxLength: 63,
          pattern: "^(\\*|[a-z0-9]([-a-z0-9]*[a-z0-9])?)$",
        }),
        {
          description: "Tiers that the Franchisee may offer.",
          maxItems: 64,
        },
      ),
    ),
  },
  {
    description:
      "What the Franchisee may do. Branding, tiers and private Blueprints need a grant. Vouchers and add-ons need none; `vouchers` limits the vouchers.",
    default: {},
  },
);

const REVENUE_SPLIT_MESSAGE =
  "a Franchise does not contain the revenue split, which is agreed bilaterally and kept in OpenOva's accounts: remove the field";

// These fields are declared so that the API server refuses them with a reason instead of pruning them silently. CEL sees
// only typed fields: a split is written as an object, a share as a number or a percentage.
const refusedRevenueField = (type: object) =>
  Type.Optional(
    Type.Unsafe<never>({
      description: "Not allowed: the revenue split is agreed bilaterally and kept in OpenOva's accounts.",
      ...type,
    }),
  );

const FranchiseSpecSchema = object(
  {
    franchisee: object(
      {
        legalName: text({ description: "Registered name of the company.", maxLength: 256 }),
        contactEmail: text({
          description: "Contact address.",
          maxLength: 254,
          pattern: "^[^@\\s]+@[^@\\s]+$",
        }),
      },
      { description: "The company that runs the Sovereigns." },
    ),
    subjects: list(SubjectSchema, {
      description: "The identities that act as this Franchisee.",
      maxItems: 64,
      minItems: 1,
    }),
    grants: GrantsSchema,
    blueprintTrust: Type.Optional(
      list(TrustEntrySchema, {
        description: "The signers that may sign this Franchisee's private Blueprints.",
        maxItems: 16,
      }),
    ),
    term: object(
      {
        start: time("When the term starts."),
        end: Type.Optional(time("When the term ends. Absent: it does not end.")),
      },
      {
        description: "When the Franchise is in force.",
        rules: [
          {
            rule: "!has(self.end) || self.start < self.end",
            message: "term.end must be after term.start: change one of them",
          },
        ],
      },
    ),
    revenueSplit: refusedRevenueField({ type: "object", "x-kubernetes-preserve-unknown-fields": true }),
    revenueShare: refusedRevenueField({ "x-kubernetes-int-or-string": true }),
  },
  {
    description: "The agreement with the Franchisee.",
    rules: [
      { rule: "!has(self.revenueSplit)", message: REVENUE_SPLIT_MESSAGE, fieldPath: ".revenueSplit" },
      { rule: "!has(self.revenueShare)", message: REVENUE_SPLIT_MESSAGE, fieldPath: ".revenueShare" },
    ],
  },
);

const FranchiseStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    inTerm: Type.Optional(flag("Whether the term runs now.")),
    sovereigns: Type.Optional(
      set(objectName("Name of a Sovereign."), {
        description: "Sovereigns that run under this Franchise.",
        maxItems: 10_000,
      }),
    ),
    privateBlueprints: Type.Optional(
      wholeNumber({
        description: "Number of private Blueprints in catalog-sovereign.",
        minimum: 0,
        maximum: 1_000_000,
        format: "int32",
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "The observed state of the Franchise." },
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
  description:
    "The agreement with a Franchisee: which identities act as the Franchisee, and what they may do.",
  spec: FranchiseSpecSchema,
  status: FranchiseStatusSchema,
  printerColumns: [
    {
      name: "Franchisee",
      type: "string",
      jsonPath: ".spec.franchisee.legalName",
      description: "Registered name of the company.",
    },
    {
      name: "In-Term",
      type: "boolean",
      jsonPath: ".status.inTerm",
      description: "Whether the term runs now.",
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
