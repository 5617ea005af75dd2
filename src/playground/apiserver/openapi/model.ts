import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export interface ModelText {
  description: string;
  /** By field; fields without a text are absent. */
  fields: ReadonlyMap<string, string>;
}

const NO_TEXT: ModelText = { description: "", fields: new Map() };

/**
 * What people read about a built-in type, `core.v1.PodSpec`: the comments in the Kubernetes client's type declarations,
 * read when a document is asked for.
 */
export function modelText(definition: string): ModelText {
  const [group = "", version = "", name = ""] = definition.split(".");
  const model = [
    `${capitalized(group)}${capitalized(version)}${name}`,
    `${capitalized(version)}${name}`,
  ].find((candidate) => existsSync(declarationOf(candidate)));
  return model === undefined ? NO_TEXT : parseDeclaration(readFileSync(declarationOf(model), "utf8"));
}

function declarationOf(model: string): string {
  return fileURLToPath(new URL(`./gen/models/${model}.d.ts`, import.meta.resolve("@kubernetes/client-node")));
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

/** `_default` and `x_kubernetes_…` are how the library spells members that TypeScript would not have. */
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
