import { isRecord } from "./object.ts";

type Step =
  | { kind: "member"; name: string }
  | { kind: "index"; index: number }
  | { kind: "every" }
  | { kind: "filter"; path: Step[]; operator: string; value: unknown };

export type JsonPath = (object: unknown) => unknown[];

/**
 * The simple JSONPath of printer columns and scale paths: members, `['quoted']`, indexes, `*` and filters such as
 * `[?(@.type=="Ready")]`. Undefined for anything else. A path finds nothing where a member is missing.
 */
export function compileJsonPath(text: string): JsonPath | undefined {
  const steps = parse(text.startsWith(".") || text.startsWith("[") ? text : `.${text}`);
  return (
    steps &&
    ((object) =>
      steps.reduce<unknown[]>((found, step) => found.flatMap((value) => take(value, step)), [object]))
  );
}

const STEP =
  /\.((?:\\.|[^.[\]\\*])+)|\[\s*(-?\d+)\s*\]|\[\s*(?:'((?:\\.|[^'])*)'|"((?:\\.|[^"])*)")\s*\]|(\.\*|\[\s*\*\s*\])|\[\?\(\s*@((?:\.[^\s=!<>]+)*)\s*(?:(==|!=|<=|>=|<|>)\s*("[^"]*"|'[^']*'|[-\w.]+))?\s*\)\]/;

function parse(text: string): Step[] | undefined {
  const steps: Step[] = [];
  // Filters contain paths, so parsing is recursive, and each call needs a position of its own.
  const step = new RegExp(STEP, "y");
  while (step.lastIndex < text.length) {
    const match = step.exec(text);
    if (match === null) return undefined;
    const [, member, index, single, double, every, filterPath, operator, literal] = match;
    if (every !== undefined) steps.push({ kind: "every" });
    else if (index !== undefined) steps.push({ kind: "index", index: Number(index) });
    else if (filterPath !== undefined) {
      const path = filterPath === "" ? [] : parse(filterPath);
      if (path === undefined) return undefined;
      steps.push({ kind: "filter", path, operator: operator ?? "exists", value: literalValue(literal) });
    } else
      steps.push({ kind: "member", name: (member ?? single ?? double ?? "").replaceAll(/\\(.)/g, "$1") });
  }
  return steps;
}

function literalValue(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  if (/^["']/.test(text)) return text.slice(1, -1);
  if (text === "true" || text === "false") return text === "true";
  return Number.isNaN(Number(text)) ? text : Number(text);
}

function take(value: unknown, step: Step): unknown[] {
  switch (step.kind) {
    case "member":
      return isRecord(value) && Object.hasOwn(value, step.name) ? [value[step.name]] : [];
    case "index": {
      const item = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case "every":
      return Array.isArray(value) ? value : isRecord(value) ? Object.values(value) : [];
    case "filter":
      return Array.isArray(value) ? value.filter((item) => passes(item, step)) : [];
  }
}

function passes(item: unknown, { path, operator, value }: Extract<Step, { kind: "filter" }>): boolean {
  const found = path.reduce<unknown[]>((values, step) => values.flatMap((each) => take(each, step)), [item]);
  if (found.length === 0) return false;
  const [actual] = found as [string | number];
  const wanted = value as string | number;
  switch (operator) {
    case "==":
      return actual === wanted;
    case "!=":
      return actual !== wanted;
    case "<":
      return actual < wanted;
    case "<=":
      return actual <= wanted;
    case ">":
      return actual > wanted;
    case ">=":
      return actual >= wanted;
    default:
      return true;
  }
}
