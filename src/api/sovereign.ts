import { AGE_COLUMN, type KindDefinition, READY_COLUMN, REASON_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
  flag,
  immutable,
  listMap,
  MAX_PRICE_BAISA,
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

export { DEADLINE_DEFAULT } from "./sovereign-billing.ts";
export { SETTINGS_ACCEPTED, SOVEREIGN_CONDITION, type SovereignStatus } from "./sovereign-status.ts";

const fixed = (field: string) => immutable(`spec.${field}`, "delete the Sovereign and create another");

const PriceSchema = object(
  {
    id: text({
      description: "Id of the plan or add-on. A checkout names it as `plan_id` or in `addons`.",
      maxLength: 63,
      pattern: DNS_LABEL,
    }),
    name: text({ description: "Name that customers see.", maxLength: 128 }),
    priceBaisa: wholeNumber({
      description: "Price per month, in thousandths of the Sovereign's currency (baisa of OMR).",
      minimum: 0,
      maximum: MAX_PRICE_BAISA,
    }),
  },
  { description: "A plan or add-on that customers pay for each month." },
);

const BrandingSchema = object(
  {
    displayName: Type.Optional(text({ description: "Name that customers see.", maxLength: 128 })),
    logo: Type.Optional(
      text({ description: "URL of the logo.", maxLength: 2048, pattern: "^https://[^\\s]+$" }),
    ),
    colour: Type.Optional(
      text({ description: "Primary colour.", maxLength: 7, pattern: "^#[0-9a-fA-F]{6}$" }),
    ),
    hostname: Type.Optional(
      text({ description: "Host name of the marketplace.", maxLength: 253, pattern: DNS_SUBDOMAIN }),
    ),
    helpUrl: Type.Optional(
      text({
        description: "Address where customers find help: https or mailto. The redeem page links to it.",
        maxLength: 2048,
        pattern: "^(https://|mailto:)[^\\s\"'<>]+$",
      }),
    ),
    keycloakTheme: Type.Optional(
      text({ description: "Login theme in Keycloak.", maxLength: 63, pattern: DNS_LABEL }),
    ),
  },
  { description: "How the Sovereign looks. Its Franchisee may set it if the Franchise grants branding." },
);

const SovereignSpecSchema = object(
  {
    fqdn: text({
      description:
        "Domain name of the Sovereign, unique in the cluster. It is also the audience of the operator's tokens for it.",
      maxLength: 253,
      pattern: DNS_SUBDOMAIN,
      rules: [fixed("fqdn")],
    }),
    role: oneOf(["CatalystZero", "Franchised", "SelfHosted"], {
      description:
        "CatalystZero: the first Sovereign, at most one in a cluster. Franchised: it runs under a Franchise. SelfHosted: its users run it themselves.",
      rules: [fixed("role")],
    }),
    parent: Type.Optional(objectName("The Sovereign that provisioned this one.")),
    franchise: Type.Optional(
      objectName(
        "The Franchise that the Sovereign runs under. Required when role is Franchised, and not allowed otherwise.",
      ),
    ),
    namespace: Type.Optional(
      text({
        description: "Namespace in which billing runs. Default: `sovereign-<name>`.",
        maxLength: 63,
        pattern: DNS_LABEL,
        rules: [fixed("namespace")],
      }),
    ),
    suspend: flag(
      "Whether the operator leaves this Sovereign unchanged: it corrects, updates and tests nothing, and Ready is Unknown (kstatus: InProgress). The workload runs on, also when a suspended Sovereign is deleted.",
      false,
    ),
    cluster: Type.Optional(
      object(
        {
          kubeconfigSecretRef: secretRef(
            "The Secret with the cluster's kubeconfig, in catalyst-system, as Cluster API writes it.",
            "value",
          ),
        },
        { description: "The cluster that the Sovereign runs on. Absent: this cluster." },
      ),
    ),
    billing: BillingSchema,
    branding: Type.Optional(BrandingSchema),
    tiers: Type.Optional(
      listMap(PriceSchema, ["id"], { description: "Plans that customers can order.", maxItems: 64 }),
    ),
    addons: Type.Optional(
      listMap(PriceSchema, ["id"], {
        description: "Add-ons that customers can order with a plan.",
        maxItems: 256,
      }),
    ),
  },
  {
    description: "The desired state of the Sovereign.",
    rules: [
      {
        rule: "(self.role == 'Franchised') == has(self.franchise)",
        message: "spec.franchise is required when role is Franchised, and not allowed otherwise",
        fieldPath: ".franchise",
      },
      {
        rule: "self.role != 'CatalystZero' || !has(self.parent)",
        message:
          "spec.parent is not allowed when role is CatalystZero, because no Sovereign provisioned it: remove spec.parent",
        fieldPath: ".parent",
      },
      {
        rule: "has(self.namespace) == has(oldSelf.namespace)",
        message: "spec.namespace is immutable: delete the Sovereign and create another",
        fieldPath: ".namespace",
      },
      {
        rule: "has(self.cluster) == has(oldSelf.cluster)",
        message: "spec.cluster cannot be added or removed: delete the Sovereign and create another",
        fieldPath: ".cluster",
      },
    ],
  },
);

export type SovereignSpec = Static<typeof SovereignSpecSchema>;
export type Sovereign = CatalystObject<SovereignSpec, SovereignStatus>;

/** Whether the operator of this cluster works on the Sovereign: it is on this cluster, and not suspended. */
export const isOperated = ({ spec }: Sovereign): boolean => spec.cluster === undefined && !spec.suspend;
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
      description: "Whether its schema and API fingerprints equal the reference.",
    },
    {
      name: "Schema",
      type: "string",
      jsonPath: ".status.schemaVersion",
      description: "Version of the database schema.",
      priority: 1,
    },
    {
      name: "Image",
      type: "string",
      jsonPath: ".status.pinnedImage",
      description: "The pinned image.",
      priority: 1,
    },
    {
      name: "URL",
      type: "string",
      jsonPath: ".status.url",
      description: "URL of the voucher API.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
