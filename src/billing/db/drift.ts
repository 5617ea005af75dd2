import { labelOf, type SchemaObject } from "./fingerprint.ts";

const MAX_SHOWN_LENGTH = 120;
/** The smallest number of characters of a long definition that are shown before the first one that differs. */
const SHOWN_BEFORE = 40;

/** One sentence for each object that is missing, that differs, or that is not ours. */
export function describeDrift(expected: readonly SchemaObject[], found: readonly SchemaObject[]): string[] {
  const foundByLabel = new Map(found.map((object) => [labelOf(object), object]));
  const expectedLabels = new Set(expected.map(labelOf));
  const missingTables = expected
    .filter((object) => object.kind === "table" && !foundByLabel.has(labelOf(object)))
    .map(({ name }) => name);
  const isOfMissingTable = ({ kind, name }: SchemaObject) =>
    kind !== "table" && missingTables.some((table) => name.startsWith(`${table}.`));
  return [
    ...expected.flatMap((object) => {
      const label = labelOf(object);
      const is = foundByLabel.get(label);
      if (is === undefined) return isOfMissingTable(object) ? [] : [`${label} is missing`];
      if (is.definition === object.definition) return [];
      return [`${label} differs: ${describeDifference(is.definition, object.definition)}`];
    }),
    ...found
      .map(labelOf)
      .filter((label) => !expectedLabels.has(label))
      .map((label) => `${label} is not ours`),
  ];
}

/** The first line that differs. Only a function has several lines. */
function describeDifference(is: string, should: string): string {
  const [isLines, shouldLines] = [is.split("\n"), should.split("\n")];
  const index = isLines.findIndex((line, at) => line !== shouldLines[at]);
  const at = index === -1 ? isLines.length : index;
  const [isLine, shouldLine] = [isLines[at] ?? "", shouldLines[at] ?? ""];
  const from = firstDifference(isLine, shouldLine);
  const where = Math.max(isLines.length, shouldLines.length) > 1 ? `line ${at + 1} ` : "";
  return `${where}is ${excerpt(isLine, from)}, should be ${excerpt(shouldLine, from)}`;
}

function firstDifference(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}

function excerpt(line: string, from: number): string {
  const text = line.trim();
  if (text === "") return "empty";
  if (text.length <= MAX_SHOWN_LENGTH) return text;
  const start = Math.max(0, Math.min(from - SHOWN_BEFORE, line.length - MAX_SHOWN_LENGTH));
  const end = start + MAX_SHOWN_LENGTH;
  return `${start > 0 ? "…" : ""}${line.slice(start, end).trim()}${end < line.length ? "…" : ""}`;
}
