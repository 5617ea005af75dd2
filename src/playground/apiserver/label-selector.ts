export type Requirement =
  | { kind: "in" | "notIn"; key: string; values: readonly string[] }
  | { kind: "exists" | "absent"; key: string }
  | { kind: "greater" | "less"; key: string; value: number };

export type Labels = Readonly<Record<string, string>>;

export function matchesLabels(requirements: readonly Requirement[], labels: Labels = {}): boolean {
  return requirements.every((requirement) => {
    const value = Object.hasOwn(labels, requirement.key) ? labels[requirement.key] : undefined;
    switch (requirement.kind) {
      case "in":
        return value !== undefined && requirement.values.includes(value);
      case "notIn":
        return value === undefined || !requirement.values.includes(value);
      case "exists":
        return value !== undefined;
      case "absent":
        return value === undefined;
      case "greater":
        return value !== undefined && /^-?\d+$/.test(value) && Number(value) > requirement.value;
      case "less":
        return value !== undefined && /^-?\d+$/.test(value) && Number(value) < requirement.value;
      default:
        return false;
    }
  });
}

interface SelectorObject {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A `metav1.LabelSelector` as requirements. An empty selector selects everything. */
export function requirementsOf(selector: SelectorObject): Requirement[] {
  const requirements: Requirement[] = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    kind: "in",
    key,
    values: [value],
  }));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    if (operator === "In") requirements.push({ kind: "in", key, values });
    else if (operator === "NotIn") requirements.push({ kind: "notIn", key, values });
    else requirements.push({ kind: operator === "Exists" ? "exists" : "absent", key });
  }
  return requirements;
}

/** The text of a selector as clients write it: `app=web,tier in (a,b)`. */
export function selectorText(selector: SelectorObject): string {
  return requirementsOf(selector)
    .map((requirement) => {
      switch (requirement.kind) {
        case "in":
          return requirement.values.length === 1
            ? `${requirement.key}=${requirement.values[0]}`
            : `${requirement.key} in (${requirement.values.join(",")})`;
        case "notIn":
          return `${requirement.key} notin (${requirement.values.join(",")})`;
        case "absent":
          return `!${requirement.key}`;
        default:
          return requirement.key;
      }
    })
    .join(",");
}
