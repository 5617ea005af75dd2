import { AGE_COLUMN, type KindDefinition, READY_COLUMN, REASON_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
  flag,
  immutable,
  listMap,
  object,
  objectName,
  oneOf,
  type Static,
  secretRef,
  Type,
  text,
  wholeNumber,
} from "./schema.ts";
import { BillingSchema } from "./sovereign-billing.ts";
import { type SovereignStatus, SovereignStatusSchema } from "./sovereign-status.ts";

export { SOVEREIGN_CONDITION, type SovereignStatus } from "./sovereign-status.ts";

const fixed = (field: string) => immutable(field, "delete the Sovereign and create another");

const PriceSchema = object(
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

const SovereignSpecSchema = object(
  {
    fqdn: text({
      description: "Domain name of the Sovereign, unique in the cluster; the audience of its tokens.",
      maxLength: 253,
      pattern: DNS_SUBDOMAIN,
      rules: [fixed("fqdn")],
    }),
    role: oneOf(["CatalystZero", "Franchised", "SelfHosted"], {
      description:
        "CatalystZero is the first, at most one; Franchised ones belong to a Franchise; SelfHosted ones to their users.",
      rules: [fixed("role")],
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
        rules: [fixed("namespace")],
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

export type SovereignSpec = Static<typeof SovereignSpecSchema>;
export type Sovereign = CatalystObject<SovereignSpec, SovereignStatus>;
export type Price = Static<typeof PriceSchema>;

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
