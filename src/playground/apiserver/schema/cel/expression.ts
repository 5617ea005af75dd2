import { type Environment, EvaluationError, Optional } from "@marcbachmann/cel-js";
import { compilePattern, PatternError } from "../pattern.ts";
import { checkError, compileErrorAt, syntaxError } from "./compile-error.ts";
import { forbiddenMethod, forbiddenName, replacedMethod } from "./library.ts";
import { type CelError, type Macro, type Node, positionOf, typeText, walk } from "./node.ts";

export { CelCompileError } from "./compile-error.ts";

/** An expression that compiled failed for the given values. */
export class CelEvaluationError extends Error {
  override readonly name = "CelEvaluationError";
}

export interface CelExpression {
  source: string;
  /** `bool`, `string`, `dyn`, …, as the type checker found it. */
  type: string;
  /** Whether the expression reads a variable of this name. */
  uses(variable: string): boolean;
  /** Only the members that the expression reads are read. Throws `CelEvaluationError`. */
  evaluate(variables: object): unknown;
}

/** Parses and type-checks `source`; throws `CelCompileError`. */
export function compileExpression(environment: Environment, source: string): CelExpression {
  let parsed: ReturnType<Environment["parse"]>;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    throw syntaxError(source, error as CelError);
  }
  const nodes = [...walk(parsed.ast as unknown as Node)];
  for (const node of nodes) adapt(node, source);
  const checked = parsed.check();
  if (!checked.valid) {
    const isKnown = (name: string) =>
      environment.getDefinitions().functions.some((known) => known.name === name);
    throw checkError(source, checked.error as CelError, isKnown);
  }
  // `format` accepts values of different types in one list.
  const formatted = new Set(nodes.flatMap((node) => (isCallOf(node, "format") ? node.args[2] : [])));
  for (const node of nodes) if (!formatted.has(node)) checkFurther(node, source);
  const variables = new Set(nodes.filter((node) => node.op === "id").map((node) => String(node.args)));

  return {
    source,
    type: checked.type ?? "dyn",
    uses: (variable) => variables.has(variable),
    evaluate(context) {
      try {
        return parsed(context as Record<string, unknown>);
      } catch (error) {
        throw new CelEvaluationError(evaluationMessage(error as CelError));
      }
    },
  };
}

const PATTERN_METHODS = new Set(["matches", "find", "findAll"]);

/**
 * Corrects differences between the library and cel-go before the type check. Calls of methods with other semantics go
 * to our versions. Names that Kubernetes does not have are refused. `has()` must name a field that exists, and a
 * literal pattern must be valid.
 */
function adapt(node: Node, source: string): void {
  const refuse = (message: string, offset = positionOf(node)) => {
    throw compileErrorAt(source, offset, message);
  };
  if (node.op === "id" && forbiddenName(String(node.args))) {
    refuse(`undeclared reference to '${node.args}' (in container '')`);
  }
  if (node.op === "rcall") {
    const args = node.args as [string, Node, Node[]];
    const [method, , [argument]] = args;
    if (forbiddenMethod(method)) refuse(`undeclared reference to '${method}' (in container '')`);
    if (PATTERN_METHODS.has(method) && argument?.op === "value" && !isPattern(argument.args)) {
      refuse(`invalid ${method} argument`, argument.start);
    }
    args[0] = replacedMethod(method);
  }
  const macro = node.meta?.macro;
  if (node.op === "call" && (node.args as [string])[0] === "has" && macro !== undefined) {
    const [, [field]] = node.args as [string, [Node]];
    if (field.op === ".") replaceHas(macro, field, refuse);
    else refuse("invalid argument to has() macro", field.start);
  }
}

/**
 * The library's `has()` accepts only names. CEL accepts a field of any expression, as in `has(list[0].a)`, and the
 * field must exist.
 */
function replaceHas(macro: Macro, field: Node, refuse: (message: string) => void): void {
  const [operand, name] = field.args as [Node, string];
  macro.typeCheck = (checker, _, context) => {
    try {
      checker.check(field, context);
    } catch (error) {
      const { code } = error as CelError;
      if (code !== "no_such_key" && code !== "cannot_index_type") throw error;
      // cel-go reports an error in the field at the position of the call.
      const misplaced = checkError(field.input, error as CelError, () => true).message;
      refuse(/^ERROR: \S+ (.*)/.exec(misplaced)?.[1] ?? misplaced);
    }
    return checker.getType("bool");
  };
  macro.evaluate = (evaluator, _, context) => {
    const object = evaluator.run(operand, context);
    const type = evaluator.debugType(object);
    if (type.fieldLazy === undefined) {
      throw new EvaluationError({ code: "no_such_key", message: `No such key: ${name}` });
    }
    const value = type.fieldLazy(object, name, field, evaluator);
    return value instanceof Optional ? value.hasValue() : value !== undefined;
  };
}

function isPattern(value: unknown): boolean {
  if (typeof value !== "string") return true;
  try {
    compilePattern(value);
    return true;
  } catch (error) {
    if (error instanceof PatternError) return false;
    throw error;
  }
}

function isCallOf(node: Node, method: string): node is Node & { args: [string, Node, Node[]] } {
  return node.op === "rcall" && (node.args as [string])[0] === method;
}

/** Expressions that cel-go refuses and the library accepts. */
function checkFurther(node: Node, source: string): void {
  if (node.op === "list") assertUniform(node.args as Node[], source);
  if (node.op === "map") {
    const entries = node.args as [Node, Node][];
    assertUniform(
      entries.map(([key]) => key),
      source,
    );
    assertUniform(
      entries.map(([, value]) => value),
      source,
    );
  }
  if (node.op === "[]") {
    const [left, index] = node.args as [Node, Node];
    if (left.checkedType?.kind === "message") {
      const types = [left, index].map(({ checkedType }) => typeText(checkedType?.name ?? "dyn"));
      throw compileErrorAt(
        source,
        positionOf(node),
        `found no matching overload for '_[_]' applied to '(${types.join(", ")})'`,
      );
    }
  }
}

/** The elements of a literal must have one type. Even `dyn` must not be mixed with others. */
function assertUniform(elements: readonly Node[], source: string): void {
  const typed = elements.filter(({ checkedType }) => checkedType !== undefined && !checkedType.isEmpty());
  const expected = typed[0]?.checkedType?.name;
  const other = typed.find(({ checkedType }) => checkedType?.name !== expected);
  if (expected === undefined || other === undefined) return;
  const found = typeText(other.checkedType?.name ?? "");
  throw compileErrorAt(
    source,
    positionOf(other),
    `expected type '${typeText(expected)}' but found '${found}'`,
  );
}

function evaluationMessage({ code, summary, message }: CelError): string {
  const text = (summary ?? message).split("\n")[0] ?? "";
  switch (code) {
    case "no_such_key": {
      const bounds = /index (-?\d+) (?:<|>=)/.exec(text);
      return bounds === null
        ? text.replace(/^No such key/, "no such key")
        : `index out of bounds: ${bounds[1]}`;
    }
    case "index_out_of_bounds":
      return `index out of bounds: ${/index (-?\d+)/.exec(text)?.[1] ?? ""}`;
    case "modulo_by_zero":
      return "modulus by zero";
    case "optional_value_missing":
      return "optional.none() dereference";
    case "no_such_overload":
    case "no_matching_overload":
      return "no such overload";
    default:
      return text;
  }
}
