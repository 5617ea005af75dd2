import type { Environment } from "@marcbachmann/cel-js";
import type { FieldError } from "../field-error.ts";
import type { JsonSchema } from "../json-schema.ts";
import { type Declaration, declareSchema } from "./declaration.ts";
import { createCelEnvironment } from "./library.ts";
import { checkNode, type RuleNode } from "./rule-check.ts";
import { compileRule, createRuleScope } from "./rule-compilation.ts";
import type { CompiledRule } from "./rule-error.ts";

/** A rule that does not compile, and its place in the schema. */
export interface RuleProblem {
  /** `.properties[spec].x-kubernetes-validations[0].rule` */
  schemaPath: string;
  value: unknown;
  detail: string;
}

/** Errors of the CEL rules of an object; `old` is undefined on creation. */
export type RuleCheck = (value: unknown, old: unknown) => FieldError[];

interface Compilation {
  environment: Environment;
  problems: RuleProblem[];
}

/** A schema node, its type in CEL, and its place. */
interface Place {
  declared: Declaration | undefined;
  path: string;
  /** The path of the enclosing list or map whose items have no old value to compare with. */
  uncorrelatable: string | undefined;
}

/** Compiles every rule of a resource's schema once, and returns a problem for each rule that does not compile. */
export function compileRules(
  schema: JsonSchema,
  rootPath = "",
): { check: RuleCheck; problems: RuleProblem[] } {
  if (!hasRules(schema)) return { check: () => [], problems: [] };
  const environment = createCelEnvironment();
  const declared = declareSchema(environment, schema, "Object", true);
  const compilation: Compilation = { environment, problems: [] };
  const root = compileNode(compilation, schema, { declared, path: rootPath, uncorrelatable: undefined });
  return {
    problems: compilation.problems,
    check: (value, old) => (root === undefined ? [] : checkNode(root, { value, old, path: "" })),
  };
}

function compileNode(compilation: Compilation, node: JsonSchema, place: Place): RuleNode | undefined {
  if (!hasRules(node)) return undefined;
  const { declared, path } = place;
  const rules = compileNodeRules(compilation, node, place);
  const members = new Map<string, RuleNode>();
  const atomicMap = node["x-kubernetes-map-type"] === "atomic" ? path : undefined;
  for (const [name, property] of Object.entries(node.properties ?? {})) {
    const member = compileNode(compilation, property, {
      declared: declared?.members.get(name),
      path: `${path}.properties[${name}]`,
      uncorrelatable: place.uncorrelatable ?? atomicMap,
    });
    if (member !== undefined) members.set(name, member);
  }
  const element = compileElement(compilation, node, place);
  return { schema: node, rules, members, element, convert: declared?.convert ?? ((json) => json) };
}

/** The node of a list's items or a map's values. */
function compileElement(
  compilation: Compilation,
  node: JsonSchema,
  { declared, path, uncorrelatable }: Place,
): RuleNode | undefined {
  const { additionalProperties, items } = node;
  if (items) {
    const listIsMap = node["x-kubernetes-list-type"] === "map";
    return compileNode(compilation, items, {
      declared: declared?.element,
      path: `${path}.items`,
      uncorrelatable: uncorrelatable ?? (listIsMap ? undefined : path),
    });
  }
  if (typeof additionalProperties !== "object") return undefined;
  return compileNode(compilation, additionalProperties, {
    declared: declared?.element,
    path: `${path}.additionalProperties`,
    uncorrelatable,
  });
}

function compileNodeRules(
  { environment, problems }: Compilation,
  node: JsonSchema,
  { declared, path, uncorrelatable }: Place,
): CompiledRule[] {
  const rules = node["x-kubernetes-validations"] ?? [];
  if (rules.length === 0) return [];
  const rulesPath = `${path}.x-kubernetes-validations`;
  if (declared === undefined) {
    const detail =
      "internal error: failed to construct type information for x-kubernetes-validations rules: unable to convert structural schema to CEL declarations";
    problems.push({ schemaPath: rulesPath, value: undefined, detail });
    return [];
  }
  const scope = createRuleScope(environment, declared.type, uncorrelatable);
  return rules.flatMap((rule, index) => {
    const compiled = compileRule(scope, rule, (member, value, detail) =>
      problems.push({ schemaPath: `${rulesPath}[${index}].${member}`, value, detail }),
    );
    return compiled === undefined ? [] : [compiled];
  });
}

function hasRules(schema: JsonSchema): boolean {
  const { additionalProperties, items, properties = {} } = schema;
  return (
    (schema["x-kubernetes-validations"]?.length ?? 0) > 0 ||
    (items !== undefined && hasRules(items)) ||
    (typeof additionalProperties === "object" && hasRules(additionalProperties)) ||
    Object.values(properties).some(hasRules)
  );
}
