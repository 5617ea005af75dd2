import { list, object, oneOf, set, stringMap, Type, text, wholeNumber } from "./schema.ts";

// `affinity` as in a Pod, with bounds. Without its own schema, the API server would drop a misspelt member without a
// warning.

const requirement = (operators: readonly string[], what: string) =>
  object(
    {
      key: text({ description: `Key of the ${what}.`, maxLength: 317 }),
      operator: oneOf(operators, { description: "How the values are compared." }),
      values: Type.Optional(
        list(Type.String({ description: "A value.", maxLength: 253 }), {
          description: "The values. Not for Exists and DoesNotExist.",
          maxItems: 64,
        }),
      ),
    },
    { description: `A requirement on the ${what}.` },
  );

const requirements = (operators: readonly string[], what: string, description: string) =>
  Type.Optional(list(requirement(operators, what), { description, maxItems: 32 }));

const weight = wholeNumber({
  description: "Weight of the preference.",
  minimum: 1,
  maximum: 100,
  format: "int32",
});

const NODE_OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];
const LABEL_OPERATORS = ["In", "NotIn", "Exists", "DoesNotExist"];

const NodeTermSchema = object(
  {
    matchExpressions: requirements(NODE_OPERATORS, "node's label", "Requirements on labels."),
    matchFields: requirements(NODE_OPERATORS, "node's field", "Requirements on fields."),
  },
  { description: "A node must meet all requirements of a term." },
);

const labelSelector = (description: string) =>
  Type.Optional(
    object(
      {
        matchLabels: Type.Optional(
          stringMap({ description: "Labels with these values.", maxProperties: 32 }),
        ),
        matchExpressions: requirements(LABEL_OPERATORS, "label", "Requirements on labels."),
      },
      { description },
    ),
  );

const keys = (description: string) =>
  Type.Optional(set(text({ description: "A label's key.", maxLength: 317 }), { description, maxItems: 16 }));

const PodTermSchema = object(
  {
    topologyKey: text({
      description: "Label of nodes. Nodes with the same value are one place.",
      maxLength: 317,
    }),
    labelSelector: labelSelector("Selects the other Pods. Absent: none."),
    matchLabelKeys: keys("Labels whose values of the own Pod are added to labelSelector."),
    mismatchLabelKeys: keys("Labels whose values of the own Pod are excluded from labelSelector."),
    namespaces: keys("Namespaces of the other Pods. Absent: the Sovereign's namespace."),
    namespaceSelector: labelSelector("Selects further namespaces."),
  },
  { description: "Other Pods, and the place that the Pods share with them or avoid." },
);

const podAffinity = (description: string) =>
  Type.Optional(
    object(
      {
        requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
          list(PodTermSchema, { description: "Terms that must hold.", maxItems: 16 }),
        ),
        preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
          list(object({ weight, podAffinityTerm: PodTermSchema }, { description: "A weighted term." }), {
            description: "Terms that should hold.",
            maxItems: 16,
          }),
        ),
      },
      { description },
    ),
  );

export const AffinitySchema = object(
  {
    nodeAffinity: Type.Optional(
      object(
        {
          requiredDuringSchedulingIgnoredDuringExecution: Type.Optional(
            object(
              {
                nodeSelectorTerms: list(NodeTermSchema, {
                  description: "Terms, of which one must hold.",
                  minItems: 1,
                  maxItems: 16,
                }),
              },
              { description: "The nodes on which the Pods may run." },
            ),
          ),
          preferredDuringSchedulingIgnoredDuringExecution: Type.Optional(
            list(object({ weight, preference: NodeTermSchema }, { description: "A weighted term." }), {
              description: "The nodes on which the Pods should run.",
              maxItems: 16,
            }),
          ),
        },
        { description: "The nodes of the Pods." },
      ),
    ),
    podAffinity: podAffinity("Pods near which the Pods run."),
    podAntiAffinity: podAffinity("Pods that the Pods avoid."),
  },
  { description: "Where the Pods run, as in a Pod. The Pods spread over nodes in every case." },
);
