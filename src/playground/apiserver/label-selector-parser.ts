import type { Requirement } from "./label-selector.ts";
import { badRequest } from "./refusal.ts";
import { labelValueProblems, qualifiedNameProblems } from "./schema/name.ts";

const TOKEN = /\s*(?:(!=|==|=|!|\(|\)|,|<|>)|([^\s!=(),<>]+))/y;

/** Parses the selector of list and watch: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Throws 400 for any other text. */
export function parseLabelSelector(text: string): Requirement[] {
  const tokens = createTokenReader(tokensOf(text));
  const requirements: Requirement[] = [];
  while (tokens.peek() !== undefined) {
    requirements.push(parseRequirement(tokens));
    const separator = tokens.next();
    if (separator !== undefined && separator !== ",") throw unexpected(separator, "',' or end of string");
  }
  return requirements;
}

type TokenReader = ReturnType<typeof createTokenReader>;

function createTokenReader(tokens: readonly string[]) {
  let position = 0;
  return {
    peek: () => tokens[position],
    next: () => tokens[position++],
  };
}

function unexpected(found: string | undefined, expected: string) {
  return badRequest(`unable to parse requirement: found '${found ?? ""}', expected: ${expected}`);
}

function parseRequirement(tokens: TokenReader): Requirement {
  const token = tokens.next();
  if (token === "!") return { kind: "absent", key: keyOf(tokens.next()) };
  const key = keyOf(token);
  const following = tokens.peek();
  if (following === undefined || following === ",") return { kind: "exists", key };
  const operator = tokens.next();
  switch (operator) {
    case "in":
      return { kind: "in", key, values: checked(parseValues(tokens)) };
    case "notin":
      return { kind: "notIn", key, values: checked(parseValues(tokens)) };
    case "=":
    case "==":
      return { kind: "in", key, values: checked([parseValue(tokens)]) };
    case "!=":
      return { kind: "notIn", key, values: checked([parseValue(tokens)]) };
    case ">":
      return { kind: "greater", key, value: parseInteger(tokens) };
    case "<":
      return { kind: "less", key, value: parseInteger(tokens) };
    default:
      throw unexpected(operator, "in, notin, =, ==, !=, gt, lt");
  }
}

/** `(a,b)` */
function parseValues(tokens: TokenReader): string[] {
  const opening = tokens.next();
  if (opening !== "(") throw unexpected(opening, "'('");
  const values: string[] = [];
  for (;;) {
    const token = tokens.next();
    if (token === ")") return values.length === 0 ? [""] : values;
    if (token === ",") continue;
    if (token === undefined) throw unexpected(token, "',' or ')'");
    if (isOperator(token)) throw unexpected(token, "',', ')' or identifier");
    values.push(token);
  }
}

/** The value may be absent: `a=` selects the empty label. */
function parseValue(tokens: TokenReader): string {
  const following = tokens.peek();
  return following === undefined || isOperator(following) ? "" : (tokens.next() ?? "");
}

function parseInteger(tokens: TokenReader): number {
  const token = tokens.next();
  const value = Number(token);
  if (!Number.isSafeInteger(value)) throw unexpected(token, "an integer");
  return value;
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
