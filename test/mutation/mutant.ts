import { parseAst } from "vitest/node";

/** One change of a source that a good test notices. `start` and `end` are offsets in UTF-16 units. */
export interface Mutant {
  start: number;
  end: number;
  replacement: string;
  /** From 1. */
  line: number;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [member: string]: unknown;
}

const OPPOSITES: Readonly<Record<string, string>> = {
  "===": "!==",
  "!==": "===",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "&&": "||",
  "||": "&&",
};
const METHODS: Readonly<Record<string, string>> = {
  some: "every",
  every: "some",
  startsWith: "endsWith",
  endsWith: "startsWith",
};
/** The expression inside a type assertion. Other nodes of TypeScript are types, which tests do not run. */
const ASSERTIONS = ["TSAsExpression", "TSNonNullExpression", "TSSatisfiesExpression"];
/** The test of a loop is left out: most of its mutants never end. */
const LOOPS = ["ForStatement", "WhileStatement", "DoWhileStatement"];

type Change = [node: Node, replacement: string];

/** The mutants of a TypeScript source, in the order of their places. */
export function mutantsOf(source: string): Mutant[] {
  const program = parseAst(source, { lang: "ts" }) as unknown as Node;
  const textOf = ({ start, end }: Node) => source.slice(start, end);
  return nodesIn(program)
    .flatMap((node) => changesOf(node, textOf))
    .map(([{ start, end }, replacement]) => ({
      ...{ start, end, replacement },
      line: source.slice(0, start).split("\n").length,
    }))
    .sort((a, b) => a.start - b.start || a.end - b.end);
}

export const mutated = (source: string, { start, end, replacement }: Mutant): string =>
  source.slice(0, start) + replacement + source.slice(end);

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && typeof (value as Partial<Node>).type === "string";

function nodesIn(root: Node): Node[] {
  if (root.type.startsWith("TS") && !ASSERTIONS.includes(root.type)) return [];
  if (root.type === "ImportDeclaration") return [];
  const left = LOOPS.includes(root.type) ? ["test", "update"] : [];
  const children = Object.entries(root)
    .filter(([member]) => !left.includes(member))
    .flatMap(([, value]) => (Array.isArray(value) ? value : [value]))
    .filter(isNode);
  return [root, ...children.flatMap(nodesIn)];
}

type TextOf = (node: Node) => string;

/** By the kind of node: conditions, operators, literals, and lists that a rule returns. */
const CHANGES: Readonly<Record<string, (node: Node, textOf: TextOf) => Change[]>> = {
  IfStatement: conditionChanges,
  ConditionalExpression: conditionChanges,
  LogicalExpression: operatorChanges,
  BinaryExpression: operatorChanges,
  UnaryExpression: (node, textOf) =>
    node.operator === "!" ? [[node, `(${textOf(node.argument as Node)})`]] : [],
  Literal: (node) => (typeof node.value === "boolean" ? [[node, String(!node.value)]] : []),
  ArrayExpression: (node) =>
    (node.elements as (Node | null)[])
      .filter((element) => element?.type === "SpreadElement")
      .map((element) => [element as Node, "...[]"]),
  CallExpression: ({ callee }) => {
    const { type, property } = callee as Node;
    const { name } = (property ?? {}) as { name?: string };
    const other = type === "MemberExpression" && name !== undefined ? METHODS[name] : undefined;
    return other === undefined ? [] : [[property as Node, other]];
  },
};

const changesOf = (node: Node, textOf: TextOf): Change[] =>
  Object.hasOwn(CHANGES, node.type) ? (CHANGES[node.type]?.(node, textOf) ?? []) : [];

function conditionChanges({ test }: Node): Change[] {
  return [
    [test as Node, "true"],
    [test as Node, "false"],
  ];
}

function operatorChanges(node: Node, textOf: TextOf): Change[] {
  const other = OPPOSITES[node.operator as string];
  if (other === undefined) return [];
  const [left, right] = [textOf(node.left as Node), textOf(node.right as Node)];
  return [[node, `(${left} ${other} ${right})`]];
}
