/** A type in the library's checker. */
interface CheckedType {
  kind: string;
  name: string;
  hasDynType: boolean;
  isEmpty(): boolean;
}

/** Internal members of the library's syntax nodes. The library has no public access to its macros. */
export interface Node {
  op: string;
  args: unknown;
  input: string;
  start: number;
  end: number;
  checkedType?: CheckedType;
  meta?: { macro?: Macro };
}

interface Checker {
  check(node: Node, context: unknown): CheckedType;
  getType(name: string): CheckedType;
}

export interface Macro {
  typeCheck(checker: Checker, macro: unknown, context: unknown): unknown;
  evaluate(evaluator: Evaluator, macro: unknown, context: unknown): unknown;
}

interface Evaluator {
  run(node: Node, context: unknown): unknown;
  debugType(value: unknown): {
    fieldLazy?(value: unknown, name: string, node: Node, evaluator: Evaluator): unknown;
  };
}

/** An error of the library: `summary` is the message without the excerpt of the source. */
export interface CelError extends Error {
  code?: string;
  summary?: string;
  node?: Node;
  range?: { start: number };
}

/** A node and all nodes below it, in the order of the source. */
export function* walk(node: Node): Generator<Node> {
  yield node;
  yield* below(node.args);
}

function* below(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* below(item);
  else if (value !== null && typeof value === "object" && "op" in value) yield* walk(value as Node);
}

/** The position of a node in cel-go: its operator, the bracket of a call, or the dot of a selection. */
export function positionOf(node: Node): number {
  const { op, args, input, start } = node;
  const after = (text: string, from: number) => {
    const found = input.indexOf(text, from);
    return found < 0 ? start : found;
  };
  switch (op) {
    case ".":
    case ".?": {
      const [left, name] = args as [Node, string];
      return after(".", Math.max(left.end, node.end - name.length - 2));
    }
    case "[]":
    case "[?]":
      return after("[", (args as [Node])[0].end);
    case "call":
      return after("(", start);
    case "rcall": {
      const [name, receiver] = args as [string, Node];
      return after("(", input.indexOf(name.replace(/^k8s_/, ""), receiver.end));
    }
    case "?:":
      return after("?", (args as [Node])[0].end);
    default:
      return isBinary(op) ? after(op, (args as [Node])[0].end) : start;
  }
}

const BINARY = new Set(["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in", "&&", "||"]);

function isBinary(op: string): boolean {
  return BINARY.has(op);
}

/** `list<string>` → `list(string)`, as cel-go prints types. */
export function typeText(name: string): string {
  return name
    .replaceAll("google.protobuf.Timestamp", "timestamp")
    .replaceAll("google.protobuf.Duration", "duration")
    .replaceAll(/\bObject(?:\.\w+)*/g, "object")
    .replaceAll("<", "(")
    .replaceAll(">", ")");
}
