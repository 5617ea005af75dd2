import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN, REASON_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
  FINGERPRINT,
  flag,
  listMap,
  object,
  objectName,
  oneOf,
  type Static,
  secretRef,
  Type,
  text,
  time,
  wholeNumber,
} from "./schema.ts";

const immutable = (field: string) => ({
  rule: "self == oldSelf",
  message: `${field} is immutable: delete the Sovereign and create another`,
});

const quantity = (description: string) =>
  Type.Optional(text({ description, maxLength: 32, pattern: "^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi)?$" }));

const resourceList = (description: string) =>
  Type.Optional(
    object({ cpu: quantity("Cores, as `500m`."), memory: quantity("Bytes, as `256Mi`.") }, { description }),
  );

export const PriceSchema = object(
  {
    id: text({
      description: "What checkout names, as `plan_id` or in `addons`.",
      maxLength: 63,
      pattern: DNS_LABEL,
    }),
    name: text({ description: "What customers read.", maxLength: 128 }),
    priceBaisa: wholeNumber({
      description: "Price for a month in baisa (1 OMR = 1000).",
      minimum: 0,
      maximum: 1_000_000_000_000,
    }),
  },
  { description: "Something that customers pay for monthly." },
);

const AuthSchema = object(
  {
    issuer: Type.Optional(
      text({
        description: "URL of the Sovereign's OIDC issuer, equal to `iss`.",
        maxLength: 512,
        pattern: "^https?://[^\\s]+$",
      }),
    ),
    audience: Type.Optional(
      text({ description: "The `aud` that tokens for this Sovereign carry.", maxLength: 256 }),
    ),
    secretRef: Type.Optional(
      secretRef(
        "The Secret with the legacy HS256 key (at least 32 bytes), in the Sovereign's namespace.",
        "secret",
      ),
    ),
  },
  {
    description:
      "Who may sign the tokens that billing takes: an OIDC issuer, a legacy HS256 key, or both for a while.",
    rules: [
      {
        rule: "has(self.issuer) == has(self.audience)",
        message: "issuer and audience go together: set both, or neither",
      },
      {
        rule: "has(self.issuer) || has(self.secretRef)",
        message: "one way to sign in is required: set issuer and audience, or secretRef",
      },
    ],
  },
);

const IngressSchema = object(
  {
    host: text({ description: "Host name that the Ingress serves.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    className: Type.Optional(objectName("IngressClass.")),
    tlsSecretName: Type.Optional(
      objectName("Secret with the host's certificate, in the Sovereign's namespace."),
    ),
    rateLimitPerSecond: Type.Optional(
      wholeNumber({
        description: "Requests a second that one client may make.",
        minimum: 1,
        maximum: 100_000,
      }),
    ),
  },
  { description: "How the voucher API is reached from outside. Absent: inside the cluster only." },
);

const BillingSchema = object(
  {
    release: objectName("The BillingRelease that pins the image."),
    replicas: wholeNumber({
      description: "Billing Pods.",
      minimum: 2,
      maximum: 50,
      default: 2,
      format: "int32",
    }),
    resources: Type.Optional(
      object(
        { requests: resourceList("Reserved."), limits: resourceList("Never exceeded.") },
        { description: "Of each billing Pod." },
      ),
    ),
    database: object(
      { secretRef: secretRef("The Secret with the Postgres URL, in the Sovereign's namespace.", "uri") },
      { description: "The Sovereign's own billing database." },
    ),
    auth: AuthSchema,
    currency: text({
      description: "ISO 4217 code that prices are shown in.",
      maxLength: 3,
      pattern: "^[A-Z]{3}$",
      default: "OMR",
    }),
    ingress: Type.Optional(IngressSchema),
    payments: Type.Optional(
      object(
        {
          secretRef: object(
            { name: objectName("Name of the Secret.") },
            {
              description:
                "The Secret with Stripe's `secret-key`, `webhook-secret` and `public-key`, in the Sovereign's namespace.",
            },
          ),
        },
        { description: "Stripe. Absent: only what credit covers can be bought." },
      ),
    ),
  },
  { description: "The billing service of this Sovereign." },
);

const BrandingSchema = object(
  {
    displayName: Type.Optional(text({ description: "Name that customers read.", maxLength: 128 })),
    logo: Type.Optional(
      text({ description: "URL of the logo.", maxLength: 2048, pattern: "^https://[^\\s]+$" }),
    ),
    colour: Type.Optional(
      text({ description: "Primary colour.", maxLength: 7, pattern: "^#[0-9a-fA-F]{6}$" }),
    ),
    hostname: Type.Optional(
      text({ description: "Host name of the marketplace.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    ),
    keycloakTheme: Type.Optional(
      text({ description: "Login theme in Keycloak.", maxLength: 63, pattern: DNS_LABEL }),
    ),
  },
  { description: "How the Sovereign looks. Its Franchisee may set it where the Franchise grants branding." },
);

export const SovereignSpecSchema = object(
  {
    fqdn: text({
      description: "Domain name of the Sovereign, unique in the cluster; the audience of its tokens.",
      maxLength: 253,
      pattern: DNS_SUBDOMAIN,
      rules: [immutable("fqdn")],
    }),
    role: oneOf(["CatalystZero", "Franchised", "SelfHosted"], {
      description:
        "CatalystZero is the first, at most one; Franchised ones belong to a Franchise; SelfHosted ones to their users.",
      rules: [immutable("role")],
    }),
    parent: Type.Optional(objectName("The Sovereign that provisioned this one.")),
    franchise: Type.Optional(
      objectName("The Franchise under which it runs; required exactly when role is Franchised."),
    ),
    namespace: Type.Optional(
      text({
        description: "Where billing runs. Default: `sovereign-<name>`.",
        maxLength: 63,
        pattern: DNS_LABEL,
        rules: [immutable("namespace")],
      }),
    ),
    suspend: flag("Stops every change to this Sovereign's workload until it is false again.", false),
    cluster: Type.Optional(
      object(
        {
          kubeconfigSecretRef: secretRef(
            "The Secret with its kubeconfig, in catalyst-system, as Cluster API writes it.",
            "value",
          ),
        },
        { description: "The Sovereign's own cluster. Absent: this cluster." },
      ),
    ),
    billing: BillingSchema,
    branding: Type.Optional(BrandingSchema),
    tiers: Type.Optional(listMap(PriceSchema, ["id"], { description: "Plans on offer.", maxItems: 64 })),
    addons: Type.Optional(
      listMap(PriceSchema, ["id"], { description: "What can be added to a plan.", maxItems: 256 }),
    ),
  },
  {
    description: "What the Sovereign should be.",
    rules: [
      {
        rule: "(self.role == 'Franchised') == has(self.franchise)",
        message:
          "franchise is required exactly when role is Franchised: set it, or change nothing but the role's Sovereign",
        fieldPath: ".franchise",
      },
      {
        rule: "self.role != 'CatalystZero' || !has(self.parent)",
        message: "parent is not for CatalystZero: it is the first",
        fieldPath: ".parent",
      },
      {
        rule: "has(self.namespace) == has(oldSelf.namespace)",
        message: "namespace is immutable: delete the Sovereign and create another",
        fieldPath: ".namespace",
      },
      {
        rule: "has(self.cluster) == has(oldSelf.cluster)",
        message: "cluster cannot be added or removed: delete the Sovereign and create another",
        fieldPath: ".cluster",
      },
    ],
  },
);

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
    lastSmokeTest: Type.Optional(
      object(
        {
          time: time("When it ran."),
          passed: flag("Whether all four steps held."),
          evidence: Type.Optional(
            text({
              description: "What was asked: digest of the image, the Pod template and the configuration.",
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

export type SovereignSpec = Static<typeof SovereignSpecSchema>;
export type SovereignStatus = Static<typeof SovereignStatusSchema>;
export type Sovereign = CatalystObject<SovereignSpec, SovereignStatus>;
export type SovereignRole = SovereignSpec["role"];
export type Branding = Static<typeof BrandingSchema>;
export type Price = Static<typeof PriceSchema>;

/** Condition types besides `Ready`, `Reconciling` and `Stalled`, in the order in which they come true. */
export const SOVEREIGN_CONDITION = {
  imagePinned: "ImagePinned",
  databaseReady: "DatabaseReady",
  migrated: "Migrated",
  rolledOut: "RolledOut",
  voucherShapeVerified: "VoucherShapeVerified",
  inSync: "InSync",
} as const;

export const SOVEREIGN: KindDefinition = {
  kind: "Sovereign",
  plural: "sovereigns",
  singular: "sovereign",
  shortNames: ["sov"],
  scope: "Cluster",
  description: "A deployed instance of Catalyst, with its own billing database and its own vouchers.",
  spec: SovereignSpecSchema,
  status: SovereignStatusSchema,
  printerColumns: [
    { name: "FQDN", type: "string", jsonPath: ".spec.fqdn", description: "Domain name." },
    {
      name: "Role",
      type: "string",
      jsonPath: ".spec.role",
      description: "CatalystZero, Franchised or SelfHosted.",
    },
    READY_COLUMN,
    REASON_COLUMN,
    {
      name: "Verified",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='VoucherShapeVerified')].status",
      description: "Whether its voucher shape equals the reference.",
    },
    {
      name: "Schema",
      type: "string",
      jsonPath: ".status.schemaVersion",
      description: "Schema version.",
      priority: 1,
    },
    {
      name: "Image",
      type: "string",
      jsonPath: ".status.pinnedImage",
      description: "Pinned image.",
      priority: 1,
    },
    { name: "URL", type: "string", jsonPath: ".status.url", description: "Voucher API.", priority: 1 },
    AGE_COLUMN,
  ],
};
