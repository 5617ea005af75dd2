/** One requirement of a namespace selector. */
export interface LabelRequirement {
  key: string;
  operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  values?: string[];
}

/**
 * Selects namespaces by the name label, which the API server sets. Users could write any other label to exempt their
 * namespace.
 */
export const named = (operator: "In" | "NotIn", values: readonly string[]): LabelRequirement => ({
  key: "kubernetes.io/metadata.name",
  operator,
  values: [...values],
});

export const labelled = (key: string, operator: "Exists" | "DoesNotExist"): LabelRequirement => ({
  key,
  operator,
});
