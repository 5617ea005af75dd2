import { type CelError, type Node, positionOf, typeText } from "./node.ts";

/** An expression does not compile. The message has the form that cel-go prints. */
export class CelCompileError extends Error {
  override readonly name = "CelCompileError";
}

/** `ERROR: <input>:1:5: …` with the line and a caret under the place. */
export function compileErrorAt(source: string, offset: number, message: string): CelCompileError {
  const before = source.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - (before.lastIndexOf("\n") + 1);
  const text = source.split("\n")[line - 1] ?? "";
  return new CelCompileError(
    `ERROR: <input>:${line}:${column + 1}: ${message}\n | ${text}\n | ${".".repeat(column)}^`,
  );
}

export function syntaxError(source: string, error: CelError): CelCompileError {
  const offset = error.range?.start ?? error.node?.start ?? 0;
  if (error.summary === "has() invalid argument") {
    return compileErrorAt(source, offset, "invalid argument to has() macro");
  }
  return compileErrorAt(source, offset, `Syntax error: ${error.summary ?? error.message}`);
}

/** Translates the checker's error into cel-go's words. `isKnown` says whether a function of this name exists. */
export function checkError(
  source: string,
  error: CelError,
  isKnown: (name: string) => boolean,
): CelCompileError {
  if (error instanceof CelCompileError) return error;
  const { code, node } = error;
  const text = error.summary ?? error.message;
  const at = (where: Node | undefined, message: string) =>
    compileErrorAt(source, where === undefined ? (error.range?.start ?? 0) : positionOf(where), message);
  const typeOf = (operand: Node | undefined) => typeText(operand?.checkedType?.name ?? "dyn");
  const operands = (Array.isArray(node?.args) ? node.args : [node?.args]) as Node[];
  const unmatched = (name: string, ...types: string[]) =>
    at(node, `found no matching overload for '${name}' applied to '(${types.join(", ")})'`);
  const lastWord = /: (\S+)$/.exec(text)?.[1] ?? "";

  switch (code) {
    case "no_such_key":
      return at(node, `undefined field '${lastWord}'`);
    case "unknown_variable":
      return at(node, `undeclared reference to '${lastWord}' (in container '')`);
    case "no_such_overload": {
      const op = node?.op ?? "";
      if (op === "!_" || op === "-_") return unmatched(op, typeOf(operands[0]));
      return unmatched(op === "in" ? "@in" : `_${op}_`, typeOf(operands[0]), typeOf(operands[1]));
    }
    case "no_matching_overload": {
      const called = /^found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'$/.exec(text);
      if (called === null) return at(node, typeText(text));
      const [, receiver, method = "", types = ""] = called;
      const name = method.replace(/^k8s_/, "");
      if (!isKnown(method)) return at(node, `undeclared reference to '${name}' (in container '')`);
      const applied = `${receiver === undefined ? "" : `${typeText(receiver)}.`}(${typeText(types)})`;
      return at(node, `found no matching overload for '${name}' applied to '${applied}'`);
    }
    case "invalid_index_type":
    case "cannot_index_type": {
      const [left, index] = operands;
      if (node?.op === "[]") return unmatched("_[_]", typeOf(left), typeOf(index));
      return at(node, `type '${typeOf(left)}' does not support field selection`);
    }
    case "invalid_logical_operand": {
      const wrong = operands.find((operand) => !["bool", "dyn"].includes(operand.checkedType?.name ?? "dyn"));
      return at(wrong, `expected type 'bool' but found '${typeOf(wrong)}'`);
    }
    case "incompatible_ternary_branches": {
      const [, left, right] = operands;
      return unmatched("_?_:_", "bool", typeOf(left), typeOf(right));
    }
    case "invalid_macro_argument":
      return at(node, "invalid argument to has() macro");
    default:
      return at(node, typeText(text));
  }
}
