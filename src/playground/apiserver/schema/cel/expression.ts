import type { Environment } from "@marcbachmann/cel-js";
import { forbiddenMethod, replacedMethod } from "./library.ts";

/** Why an expression does not compile: a text in the form that cel-go prints. */
export class CelCompileError extends Error {
  override readonly name = "CelCompileError";
}

/** Why an expression that compiled has no answer for the values at hand. */
export class CelEvaluationError extends Error {
  override readonly name = "CelEvaluationError";
}

export interface CelExpression {
  source: string;
  /** `bool`, `string`, `dyn`, …, as the type checker found it. */
  type: string;
  /** Whether the expression reads a variable of this name. */
  uses(variable: string): boolean;
  /** Throws `CelEvaluationError`. */
  evaluate(variables: Record<string, unknown>): unknown;
}

interface CheckedType {
  name: string;
  hasDynType: boolean;
  isEmpty(): boolean;
}

/** What the library's nodes carry beside their public face; its macros are reachable in no other way. */
interface Node {
  op: string;
  args: unknown;
  input: string;
  start: number;
  pos: number;
  checkedType?: CheckedType;
  meta?: { macro?: HasMacro };
}

interface Checker {
  check(node: Node, context: unknown): CheckedType;
}

interface HasMacro {
  typeCheck(checker: Checker, macro: unknown, context: unknown): unknown;
}

interface CelError extends Error {
  code?: string;
  summary?: string;
  node?: { input?: string; pos?: number };
  range?: { start: number };
}

/** Parses and type-checks `source`; throws `CelCompileError`. */
export function compileExpression(environment: Environment, source: string): CelExpression {
  let parsed: ReturnType<Environment["parse"]>;
  try {
    parsed = environment.parse(source);
  } catch (error) {
    const { summary, message } = error as CelError;
    throw compileError(error as CelError, source, `Syntax error: ${summary ?? message}`);
  }
  const root = parsed.ast as unknown as Node;
  const nodes = [...walk(root)];
  for (const node of nodes) adapt(node, source);
  const checked = parsed.check();
  if (!checked.valid) {
    const error = checked.error as CelError;
    throw compileError(error, source, checkMessage(error));
  }
  for (const node of nodes) assertUniform(node, source);
  const variables = new Set(nodes.filter((node) => node.op === "id").map((node) => String(node.args)));

  return {
    source,
    type: checked.type ?? "dyn",
    uses: (variable) => variables.has(variable),
    evaluate(context) {
      try {
        return parsed(context);
      } catch (error) {
        throw new CelEvaluationError(evaluationMessage(error as CelError));
      }
    },
  };
}

function* walk(node: Node): Generator<Node> {
  yield node;
  yield* children(node.args);
}

function* children(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* children(item);
  else if (value !== null && typeof value === "object" && "op" in value) yield* walk(value as Node);
}

/**
 * Mends what the library does otherwise than cel-go before the check: methods with other semantics go to ours,
 * methods that Kubernetes has not are refused, and `has()` must name a field that exists.
 */
function adapt(node: Node, source: string): void {
  if (node.op === "rcall") {
    const args = node.args as [string, Node, Node[]];
    const [method] = args;
    if (forbiddenMethod(method)) {
      throw compileError(node, source, `undeclared reference to '${method}' (in container '')`);
    }
    args[0] = replacedMethod(method);
  }
  const macro = node.meta?.macro;
  if (node.op === "call" && (node.args as [string])[0] === "has" && macro !== undefined) {
    const [, [field]] = node.args as [string, [Node]];
    const original = macro.typeCheck;
    macro.typeCheck = (checker, self, context) => {
      const type = original(checker, self, context);
      checker.check(field, context);
      return type;
    };
  }
}

/** cel-go wants the elements of a literal to be of one type; `dyn` fits with all. */
function assertUniform(node: Node, source: string): void {
  if (node.op !== "list") return;
  const types = (node.args as Node[]).flatMap(({ checkedType }) =>
    checkedType === undefined || checkedType.hasDynType || checkedType.isEmpty() ? [] : [checkedType.name],
  );
  const [first] = types;
  const other = types.find((type) => type !== first);
  if (first !== undefined && other !== undefined) {
    throw compileError(node, source, `expected type '${first}' but found '${other}'`);
  }
}

function checkMessage({ code, summary = "", message }: CelError): string {
  const text = (summary || message).replaceAll("k8s_", "").replaceAll(/\bObject(?:\.\w+)*/g, "object");
  const word = /: (\S+)$/.exec(text)?.[1] ?? "";
  switch (code) {
    case "no_such_key":
      return `undefined field '${word}'`;
    case "unknown_variable":
      return `undeclared reference to '${word}' (in container '')`;
    case "no_such_overload": {
      const binary = /^no such overload: (.+) (\S+) (.+)$/.exec(text);
      if (binary !== null) {
        return `found no matching overload for '_${binary[2]}_' applied to '(${binary[1]}, ${binary[3]})'`;
      }
      return `found no matching overload for '${word.slice(0, 1)}_' applied to '(${word.slice(1)})'`;
    }
    case "no_matching_overload": {
      const call = /^found no matching overload for '(?:([\w.]+)\.)?(\w+)\((.*)\)'$/.exec(text);
      if (call === null) return text;
      const receiver = call[1] === undefined ? "" : `${call[1]}.`;
      return `found no matching overload for '${call[2]}' applied to '${receiver}(${call[3]})'`;
    }
    case "cannot_index_type":
      return `type '${/'(.+)'/.exec(text)?.[1] ?? "dyn"}' does not support field selection`;
    default:
      return text;
  }
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

/** `ERROR: <input>:1:5: …` with the line and a caret under the place. */
function compileError(
  at: { range?: { start: number }; node?: { pos?: number }; pos?: number; start?: number },
  source: string,
  message: string,
): CelCompileError {
  const offset = at.node?.pos ?? at.pos ?? at.range?.start ?? at.start ?? 0;
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - (before.lastIndexOf("\n") + 1);
  const text = source.split("\n")[line - 1] ?? "";
  return new CelCompileError(
    `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${".".repeat(column)}^`,
  );
}
