import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as client from "@kubernetes/client-node";

export interface ModelField {
  name: string;
  /** As the client library writes it: `string`, `Array<V1Container>`, `{ [key: string]: string; }`, … */
  type: string;
  format: string;
}

interface ModelClass {
  getAttributeTypeMap(): { baseName: string; type: string; format: string }[];
}

/** The fields of one of Kubernetes' types, read off the client library's class for it. */
export function modelFields(model: string): ModelField[] | undefined {
  const found = (client as unknown as Record<string, Partial<ModelClass> | undefined>)[model];
  return found
    ?.getAttributeTypeMap?.()
    .map(({ baseName, type, format }) => ({ name: baseName, type, format }));
}

/**
 * The model of a kind of `group/version`, undefined when the library has none. Which kinds a group has is for the
 * caller to know: the library keeps no record of it.
 */
export function modelOf(group: string, version: string, kind: string): string | undefined {
  const plain = `${capitalized(version)}${kind}`;
  const prefix = group === "" ? "Core" : capitalized(group.split(".")[0] ?? "");
  return [`${prefix}${plain}`, plain].find((name) => modelFields(name) !== undefined);
}

function capitalized(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
}

export interface ModelText {
  description: string;
  /** By field; fields without a text are absent. */
  fields: ReadonlyMap<string, string>;
  required: readonly string[];
}

/**
 * What people read about a type, and which fields are required: the library says so in its type declarations alone,
 * which are read when a document is asked for.
 */
export function modelText(model: string): ModelText {
  const url = new URL(`./gen/models/${model}.d.ts`, import.meta.resolve("@kubernetes/client-node"));
  const source = readFileSync(fileURLToPath(url), "utf8");
  const fields = new Map<string, string>();
  const required: string[] = [];
  // A field: an optional block comment, its quoted name, a question mark when it may be left out.
  const field = /(?:\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*)?^\s{4}'([^']+)'(\??): /gm;
  const start = source.indexOf("export declare class");
  for (const [, comment, name = "", optional] of source.slice(start).matchAll(field)) {
    if (comment !== undefined) fields.set(propertyName(name), plainText(comment));
    if (optional === "") required.push(propertyName(name));
  }
  const heading = /\/\*\*((?:[^*]|\*(?!\/))*)\*\/\s*$/.exec(source.slice(0, start));
  return { description: heading === null ? "" : plainText(heading[1] ?? ""), fields, required };
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
