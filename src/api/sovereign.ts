import { AGE_COLUMN, type KindDefinition, READY_COLUMN, REASON_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  DNS_SUBDOMAIN,
  flag,
  immutable,
  object,
  objectName,
  oneOf,
  type Static,
  secretRef,
  Type,
  text,
} from "./schema.ts";
import { BillingSchema } from "./sovereign-billing.ts";
import { OFFER_FIELDS } from "./sovereign-offer.ts";
import { type SovereignStatus, SovereignStatusSchema } from "./sovereign-status.ts";

export { DEADLINE_DEFAULT } from "./sovereign-billing.ts";
export type { Price } from "./sovereign-offer.ts";
export {
  CLUSTER_REACHABLE,
  ERROR_RATE_NORMAL,
  ISSUER_REACHABLE,
  SETTINGS_ACCEPTED,
  SOVEREIGN_CONDITION,
  type SovereignStatus,
} from "./sovereign-status.ts";

const fixed = (field: string) => immutable(`spec.${field}`, "delete the Sovereign and create another");

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
      "Whether the operator leaves this Sovereign unchanged: it corrects, updates and tests nothing, and Ready is Unknown (kstatus: InProgress). A migration that runs may finish. The workload runs on, also when a suspended Sovereign is deleted.",
      false,
    ),
    cluster: Type.Optional(
      object(
        {
          kubeconfigSecretRef: secretRef(
            "The Secret with the cluster's kubeconfig, in catalyst-system, as Cluster API writes it. All of its data must be inline. A changed Secret takes effect within seconds.",
            "value",
          ),
        },
        {
          description:
            "The cluster that the Sovereign runs on. This operator is its hub: it keeps the Sovereign, its Franchise, its BillingRelease and the EnvironmentPolicies there, and an operator on that cluster reconciles them. Absent: this cluster.",
        },
      ),
    ),
    billing: BillingSchema,
    ...OFFER_FIELDS,
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
        rule: "self.role != 'CatalystZero' || !has(self.cluster)",
        message:
          "spec.cluster is not allowed when role is CatalystZero, because the hub runs on its cluster: remove spec.cluster",
        fieldPath: ".cluster",
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
