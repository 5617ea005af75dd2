import { conditionsField, observedGenerationField } from "./condition.ts";
import { SubjectSchema } from "./franchise.ts";
import { AGE_COLUMN, type KindDefinition, READY_COLUMN } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import { DNS_LABEL, immutable, list, object, objectName, type Static, set, Type, text } from "./schema.ts";

const fixed = (field: string) => immutable(field, "it says where the Organization came from");

const OrganizationSpecSchema = object(
  {
    displayName: text({ description: "Name that people read.", maxLength: 128 }),
    owner: text({ description: "The user to whom it belongs.", maxLength: 256 }),
    members: Type.Optional(
      list(SubjectSchema, { description: "Who works in it, besides the owner.", maxItems: 1000 }),
    ),
    sovereign: objectName("The Sovereign on which it lives.", [fixed("sovereign")]),
    order: Type.Optional(
      text({ description: "The order that created it.", maxLength: 64, rules: [fixed("order")] }),
    ),
    voucher: Type.Optional(
      text({
        description: "The voucher that was redeemed with that order.",
        maxLength: 256,
        rules: [fixed("voucher")],
      }),
    ),
  },
  { description: "Who the tenant is." },
);

const OrganizationStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    namespaces: Type.Optional(
      set(text({ description: "A namespace.", maxLength: 63, pattern: DNS_LABEL }), {
        description: "Its home and its environments.",
        maxItems: 1000,
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "What it has." },
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
  description: "The tenant, created by a redemption or by the platform.",
  spec: OrganizationSpecSchema,
  status: OrganizationStatusSchema,
  printerColumns: [
    {
      name: "Display-Name",
      type: "string",
      jsonPath: ".spec.displayName",
      description: "Name that people read.",
    },
    { name: "Sovereign", type: "string", jsonPath: ".spec.sovereign", description: "Where it lives." },
    { name: "Owner", type: "string", jsonPath: ".spec.owner", description: "To whom it belongs." },
    READY_COLUMN,
    {
      name: "Order",
      type: "string",
      jsonPath: ".spec.order",
      description: "The order that created it.",
      priority: 1,
    },
    {
      name: "Voucher",
      type: "string",
      jsonPath: ".spec.voucher",
      description: "The voucher that was redeemed.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
