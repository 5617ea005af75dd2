import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface ModelText {
  description: string;
  /** By field; fields without a text are absent. */
  fields: ReadonlyMap<string, string>;
}

const NO_TEXT: ModelText = { description: "", fields: new Map() };

const MODELS = modelFolder();

/**
 * The description of a built-in type such as `core.v1.PodSpec`, and of its fields. It comes from the comments in the type
 * declarations of `@kubernetes/client-node`, which are read when a document is requested. Without that package the
 * descriptions are empty.
 */
export function modelText(definition: string): ModelText {
  if (MODELS === undefined) return NO_TEXT;
  const [group = "", version = "", name = ""] = definition.split(".");
  const file = [`${capitalized(group)}${capitalized(version)}${name}`, `${capitalized(version)}${name}`]
    .map((model) => fileURLToPath(new URL(`${model}.d.ts`, MODELS)))
    .find((candidate) => existsSync(candidate));
  return file === undefined ? NO_TEXT : parseDeclaration(readFileSync(file, "utf8"));
}

function modelFolder(): URL | undefined {
  try {
    return new URL("./gen/models/", import.meta.resolve("@kubernetes/client-node"));
  } catch {
    return undefined;
  }
}

function parseDeclaration(source: string): ModelText {
  const start = source.indexOf("export declare class");
  const heading = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*$/.exec(source.slice(0, start));
  const fields = new Map<string, string>();
  // A field: a block comment, then its quoted name, with a question mark when it may be left out.
  const field = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*'([^']+)'\??: /g;
  for (const [, comment = "", name = ""] of source.slice(start).matchAll(field)) {
    fields.set(propertyName(name), plainText(comment));
  }
  return { description: heading === null ? "" : plainText(heading[1] ?? ""), fields };
}

/** The library writes `_default` and `x_kubernetes_…` for names that TypeScript would not accept. */
function propertyName(name: string): string {
  return name.startsWith("x_kubernetes_") ? name.replaceAll("_", "-") : name.replace(/^_(?=[a-z$])/, "");
}

function plainText(comment: string): string {
  return comment
    .replaceAll(/^\s*\* ?/gm, "")
    .replaceAll(/\\(['"])/g, "$1")
    .trim();
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}
