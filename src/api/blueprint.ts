import { conditionsField, observedGenerationField } from "./condition.ts";
import { AGE_COLUMN, type KindDefinition } from "./kind.ts";
import type { CatalystObject } from "./object.ts";
import {
  DNS_LABEL,
  httpsUrl,
  listMap,
  object,
  objectName,
  oneOf,
  price,
  type Static,
  Type,
  text,
} from "./schema.ts";

const PINNED_ARTIFACT = "^oci://[a-z0-9]([-a-z0-9._/]|:[0-9]+/)*@sha256:[a-f0-9]{64}$";

const BlueprintSpecSchema = object(
  {
    version: text({
      description: "Semantic version.",
      maxLength: 64,
      pattern: "^(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\\+[0-9A-Za-z.-]+)?$",
    }),
    source: object(
      {
        ref: text({
          description: "The OCI artifact, `oci://repository@sha256:<64 hex>`.",
          maxLength: 512,
          rules: [
            {
              rule: `self.matches('${PINNED_ARTIFACT}')`,
              message:
                "spec.source.ref must be pinned by digest: write oci://repository@sha256:<64 hex>, without a tag",
            },
          ],
        }),
      },
      { description: "Where the artifact is stored." },
    ),
    franchise: Type.Optional(
      objectName("The Franchise that a private Blueprint belongs to. Nothing changes it afterwards."),
    ),
    visibility: oneOf(["listed", "unlisted", "private"], {
      description:
        "Where it can be found: `listed` in the catalog, `unlisted` by its name alone, `private` by its Franchisee alone.",
    }),
    card: object(
      {
        title: text({ description: "Name that customers see.", maxLength: 128 }),
        summary: Type.Optional(Type.String({ description: "Description in one sentence.", maxLength: 1024 })),
        icon: Type.Optional(httpsUrl("URL of an icon.")),
        category: Type.Optional(
          text({ description: "Category in the catalog.", maxLength: 63, pattern: DNS_LABEL }),
        ),
        priceBaisa: Type.Optional(
          price(
            "Price of the app in an order, in thousandths of the Sovereign's currency (baisa of OMR). Absent: free.",
          ),
        ),
      },
      { description: "The entry in the catalog." },
    ),
    configSchema: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: "object",
        description: "JSON Schema of an install's values. It must be the schema of an object.",
        "x-kubernetes-preserve-unknown-fields": true,
        properties: { type: { type: "string", enum: ["object"], description: "Always `object`." } },
        required: ["type"],
      }),
    ),
    depends: Type.Optional(
      listMap(
        object(
          {
            name: objectName("Name of a Blueprint."),
            version: text({
              description: "Range of versions, for example `>=1.2.0 <2.0.0`.",
              maxLength: 128,
            }),
          },
          { description: "A Blueprint that must be installed first." },
        ),
        ["name"],
        { description: "Blueprints that must be installed first.", maxItems: 64 },
      ),
    ),
  },
  {
    description: "The artifact, and how it is offered.",
    rules: [
      {
        rule: "has(self.franchise) == has(oldSelf.franchise) && (!has(self.franchise) || self.franchise == oldSelf.franchise)",
        message: "spec.franchise is immutable: delete the Blueprint and create it again",
        fieldPath: ".franchise",
      },
      {
        rule: "!has(self.franchise) || self.visibility == 'private'",
        message:
          "only a private Blueprint belongs to a Franchise: remove spec.franchise, or set visibility to private",
        fieldPath: ".franchise",
      },
    ],
  },
);

const BlueprintStatusSchema = object(
  {
    observedGeneration: observedGenerationField(),
    verifiedDigest: Type.Optional(text({ description: "The digest that is trusted.", maxLength: 71 })),
    signedBy: Type.Optional(
      text({
        description:
          "The key or identity that signed the artifact. Absent when it is in an allowed registry.",
        maxLength: 1024,
      }),
    ),
    conditions: conditionsField(),
  },
  { description: "The result of verifying the artifact." },
);

type BlueprintSpec = Static<typeof BlueprintSpecSchema>;
export type BlueprintStatus = Static<typeof BlueprintStatusSchema>;
export type Blueprint = CatalystObject<BlueprintSpec, BlueprintStatus>;

export const BLUEPRINT_VERIFIED = "Verified";

export const BLUEPRINT: KindDefinition = {
  kind: "Blueprint",
  plural: "blueprints",
  singular: "blueprint",
  shortNames: ["bp"],
  scope: "Namespaced",
  description: "A signed OCI artifact that can be installed.",
  spec: BlueprintSpecSchema,
  status: BlueprintStatusSchema,
  printerColumns: [
    { name: "Version", type: "string", jsonPath: ".spec.version", description: "Semantic version." },
    {
      name: "Visibility",
      type: "string",
      jsonPath: ".spec.visibility",
      description: "listed, unlisted or private.",
    },
    {
      name: "Verified",
      type: "string",
      jsonPath: ".status.conditions[?(@.type=='Verified')].status",
      description: "Whether its artifact is trusted.",
    },
    {
      name: "Signed-By",
      type: "string",
      jsonPath: ".status.signedBy",
      description: "The key or identity that signed it.",
      priority: 1,
    },
    AGE_COLUMN,
  ],
};
