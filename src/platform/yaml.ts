import {
  type Document,
  type DocumentOptions,
  isScalar,
  type ParseOptions,
  parseDocument,
  type SchemaOptions,
  visit,
} from "yaml";

/**
 * The library's search for repeated keys, and its excerpts in errors, take quadratic time: 262,144 quotes or keys kept the
 * operator busy for 12 s. The library prints warnings with lines of the text, which may hold credentials.
 */
const OPTIONS: ParseOptions & DocumentOptions & SchemaOptions = {
  uniqueKeys: false,
  prettyErrors: false,
  logLevel: "error",
};

/**
 * Parses YAML that others write, in a bounded time: up to 400 ms for hostile text of 65,536 characters. Throws on wrong syntax
 * and, with `refusesRepeatedKeys`, on a key that a map has twice: one of the two would have no effect.
 */
export function parseYamlWithin(
  maxLength: number,
  text: string,
  { refusesRepeatedKeys = false }: { refusesRepeatedKeys?: boolean } = {},
): unknown {
  if (text.length > maxLength) throw new Error(`must have at most ${maxLength} characters`);
  const document = parseDocument(text, OPTIONS);
  const [error] = document.errors;
  if (error !== undefined) throw error;
  if (refusesRepeatedKeys) refuseRepeatedKeys(document);
  return document.toJS();
}

function refuseRepeatedKeys(document: Document.Parsed): void {
  visit(document, {
    Map(_key, { items }) {
      const known = new Set<unknown>();
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : key;
        if (known.has(name)) throw new Error(`the key ${String(name)} is there twice`);
        known.add(name);
      }
    },
  });
}
