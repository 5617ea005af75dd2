import { conditionsField, observedGenerationField } from "./condition.ts";
import { SubjectSchema } from "./franchise.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  immutable,
  list,
  object,
  objectName,
  quantity,
  type Static,
  set,
  Type,
  text,
  wholeNumber,
} from "./schema.ts";

const fixed = (field: string) =>
  immutable(
    `spec.${field}`,
    "it records how the Organization was created; create another Organization instead",
  );

/** The API server fills in what a manifest leaves out. */
export const DEFAULT_QUOTA = { cpu: "4", memory: "8Gi", storage: "50Gi", pods: 50 } as const;

const QuotaSchema = object(
  {
    cpu: quantity({
      description: "CPU cores that all Pods together may request.",
      default: DEFAULT_QUOTA.cpu,
    }),
    memory: quantity({
      description: "Memory that all Pods together may request.",
      default: DEFAULT_QUOTA.memory,
    }),
    storage: quantity({
      description: "Storage that all volume claims together may request.",
      default: DEFAULT_QUOTA.storage,
    }),
    pods: wholeNumber({
      ...{ description: "Number of Pods.", minimum: 0, maximum: 100_000, format: "int32" },
      default: DEFAULT_QUOTA.pods,
    }),
  },
  { description: "Limits for what runs in the home namespace.", default: {} },
);

const OrganizationSpecSchema = object(
  {
    displayName: text({ description: "Name that people see.", maxLength: 128 }),
    owner: text({ description: "The user who owns the Organization.", maxLength: 256 }),
    members: Type.Optional(
      list(SubjectSchema, {
        description:
          "Users, groups and ServiceAccounts that work in the Organization, in addition to the owner.",
        maxItems: 1000,
      }),
    ),
    sovereign: objectName("The Sovereign that the Organization is on.", [fixed("sovereign")]),
    quota: Type.Optional(QuotaSchema),
    order: Type.Optional(
      text({
        description: "The order that created the Organization.",
        maxLength: 64,
        rules: [fixed("order")],
      }),
    ),
    voucher: Type.Optional(
      text({
        description: "The voucher that this order redeemed.",
        maxLength: 256,
        rules: [fixed("voucher")],
      }),
    ),
  },
  { description: "The tenant: its name, its people and its origin." },
);

const OrganizationStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    namespaces: Type.Optional(
      set(text({ description: "Name of a namespace.", maxLength: 63, pattern: DNS_LABEL }), {
        description: "The home namespace and the environments.",
        maxItems: 1000,
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "The observed state of the Organization." },
);

type OrganizationSpec = Static<typeof OrganizationSpecSchema>;
export type OrganizationStatus = Static<typeof OrganizationStatusSchema>;
export type Organization = CatalystObject<OrganizationSpec, OrganizationStatus>;

export const ORGANIZATION: KindDefinition = {
  kind: "Organization",
  plural: "organizations",
  singular: "organization",
  shortNames: ["org"],
  scope: "Cluster",
  description: "A tenant. An order or the platform creates it.",
  spec: OrganizationSpecSchema,
  status: OrganizationStatusSchema,
  printerColumns: [
    {
      name: "Display-Name",
      type: "string",
      jsonPath: ".spec.displayName",
      description: "Name that people see.",
    },
    {
      name: "Sovereign",
      type: "string",
      jsonPath: ".spec.sovereign",
      description: "The Sovereign that it is on.",
    },
    { name: "Owner", type: "string", jsonPath: ".spec.owner", description: "The user who owns it." },
    READY_COLUMN,
    {
      ...{ name: "Subscription", type: "string" },
      jsonPath: ".status.conditions[?(@.type=='SubscriptionActive')].reason",
      description: "The state of the tenant's subscription.",
    },
    {
      name: "Order",
      type: "string",
      jsonPath: ".spec.order",
      description: "The order that created the Organization.",
      priority: 1,
    },
    {
      name: "Voucher",
      type: "string",
      jsonPath: ".spec.voucher",
      description: "The voucher that the order redeemed.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
