import { badRequest } from "./refusal.ts";
import { labelValueProblems, qualifiedNameProblems } from "./schema/name.ts";

export type Requirement =
  | { kind: "in" | "notIn"; key: string; values: readonly string[] }
  | { kind: "exists" | "absent"; key: string }
  | { kind: "greater" | "less"; key: string; value: number };

export type Labels = Readonly<Record<string, string>>;

const TOKEN = /\s*(?:(!=|==|=|!|\(|\)|,|<|>)|([^\s!=(),<>]+))/y;

/** The label selector grammar of list and watch: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Refuses others with 400. */
export function parseLabelSelector(text: string): Requirement[] {
  const tokens = tokensOf(text);
  const requirements: Requirement[] = [];
  let position = 0;
  const fail = (found: string | undefined, expected: string) =>
    badRequest(`unable to parse requirement: found '${found ?? ""}', expected: ${expected}`);

  const values = (): string[] => {
    if (tokens[position++] !== "(") throw fail(tokens[position - 1], "'('");
    const found: string[] = [];
    for (;;) {
      const token = tokens[position++];
      if (token === ")") return found.length === 0 ? [""] : found;
      if (token === ",") continue;
      if (token === undefined) throw fail(token, "',' or ')'");
      if (isOperator(token)) throw fail(token, "',', ')' or identifier");
      found.push(token);
    }
  };

  while (position < tokens.length) {
    const token = tokens[position++];
    if (token === "!") {
      const key = keyOf(tokens[position++]);
      requirements.push({ kind: "absent", key });
    } else {
      const key = keyOf(token);
      const operator = tokens[position];
      if (operator === undefined || operator === ",") requirements.push({ kind: "exists", key });
      else {
        position++;
        if (operator === "in") requirements.push({ kind: "in", key, values: checked(values()) });
        else if (operator === "notin") requirements.push({ kind: "notIn", key, values: checked(values()) });
        else if (operator === "=" || operator === "==" || operator === "!=") {
          const next = tokens[position];
          const value = next === undefined || isOperator(next) ? "" : (tokens[position++] ?? "");
          requirements.push({ kind: operator === "!=" ? "notIn" : "in", key, values: checked([value]) });
        } else if (operator === ">" || operator === "<") {
          const value = Number(tokens[position++]);
          if (!Number.isSafeInteger(value)) throw fail(tokens[position - 1], "an integer");
          requirements.push({ kind: operator === ">" ? "greater" : "less", key, value });
        } else throw fail(operator, "in, notin, =, ==, !=, gt, lt");
      }
    }
    if (position < tokens.length && tokens[position++] !== ",")
      throw fail(tokens[position - 1], "',' or end of string");
  }
  return requirements;
}

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

function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const match = TOKEN.exec(text);
    if (match === null) throw badRequest(`unable to parse requirement: ${JSON.stringify(text)}`);
    tokens.push(match[1] ?? match[2] ?? "");
  }
  return tokens;
}

function isOperator(token: string): boolean {
  return /^(!=|==|=|!|\(|\)|,|<|>)$/.test(token);
}

function keyOf(token: string | undefined): string {
  const problems =
    token === undefined || isOperator(token) ? ["expected an identifier"] : qualifiedNameProblems(token);
  if (problems.length > 0) {
    throw badRequest(
      `unable to parse requirement: <nil>: Invalid value: ${JSON.stringify(token ?? "")}: ${problems.join("; ")}`,
    );
  }
  return token ?? "";
}

function checked(values: string[]): string[] {
  for (const value of values) {
    const problems = labelValueProblems(value);
    if (problems.length > 0) {
      throw badRequest(
        `unable to parse requirement: values[0]: Invalid value: ${JSON.stringify(value)}: ${problems.join("; ")}`,
      );
    }
  }
  return values;
}

interface SelectorObject {
  matchLabels?: Record<string, string>;
  matchExpressions?: { key: string; operator: string; values?: string[] }[];
}

/** A `metav1.LabelSelector` as requirements; an empty one selects everything. */
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

/** As clients write selectors: `app=web,tier in (a,b)`. */
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
