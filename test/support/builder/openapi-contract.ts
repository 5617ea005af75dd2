import { createValidator } from "../../../src/billing/http/validation.ts";

interface Described {
  content?: Record<string, { schema: object }>;
  headers?: Record<string, unknown>;
}

export interface ApiDocument {
  paths: Record<string, Record<string, { responses: Record<string, Described> }>>;
  components: { schemas: Record<string, object> };
}

/** The parts of an answer that the contract checks. */
export interface JudgedAnswer {
  status: number;
  headers: Headers;
  /** The parsed body, if it is JSON. */
  json: unknown;
}

/** Headers that servers and browsers handle themselves. No client of the API uses them. */
const COMMON_HEADERS = new Set([
  "cache-control",
  "connection",
  "content-disposition",
  "content-language",
  "content-length",
  "content-security-policy",
  "content-type",
  "cross-origin-opener-policy",
  "cross-origin-resource-policy",
  "date",
  "keep-alive",
  "permissions-policy",
  "referrer-policy",
  "transfer-encoding",
  "vary",
  "x-content-type-options",
  "x-frame-options",
]);

/**
 * Compares real answers with the API's own description: status, content type, headers and body. The answer to a path or a
 * method that the API does not describe must be `not_found` or `method_not_allowed`.
 */
export function createContract(document: ApiDocument) {
  const validator = createValidator();
  const verdicts = new Map<string, (value: unknown) => void>();
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "[^/]+")}$`),
  }));

  function check(name: string, schema: object, value: unknown): void {
    const verdict = verdicts.get(name) ?? validator.compile(resolved(schema) as never);
    verdicts.set(name, verdict);
    try {
      verdict(value);
    } catch (error) {
      throw new Error(`${name}: ${String(error)}: ${JSON.stringify(value)}`);
    }
  }

  /** Replaces references by their targets, so that each schema stands alone. */
  function resolved(schema: unknown): unknown {
    if (Array.isArray(schema)) return schema.map(resolved);
    if (typeof schema !== "object" || schema === null) return schema;
    const { $ref } = schema as { $ref?: unknown };
    if (typeof $ref === "string") return document.components.schemas[$ref.replace(/^.*\//, "")];
    return Object.fromEntries(Object.entries(schema).map(([name, member]) => [name, resolved(member)]));
  }

  return {
    /** Throws an error that names the undescribed part of the answer. */
    require(method: string, path: string, answer: JudgedAnswer): void {
      const bare = path.replace(/[?#].*$/, "");
      const template =
        templates.find((one) => one.template === bare)?.template ??
        templates.find(({ pattern }) => pattern.test(bare))?.template;
      // The answer to HEAD is that of GET. The answer to OPTIONS names the methods of the path, and has no body.
      const asked = method === "HEAD" ? "get" : method.toLowerCase();
      const operation = template === undefined ? undefined : document.paths[template]?.[asked];
      const name = `${method} ${template ?? bare} ${answer.status}`;
      const contentType = (answer.headers.get("content-type") ?? "").replace(/;.*$/, "");
      if (operation === undefined) {
        if (method === "OPTIONS" && answer.status === 204) return;
        const code = template === undefined ? "not_found" : "method_not_allowed";
        const given = (answer.json as { code?: unknown } | undefined)?.code;
        // A path that cannot be decoded is not in the description.
        if (given !== code && given !== "request_invalid")
          throw new Error(`${name}: ${code} was expected: ${JSON.stringify(answer.json)}`);
        check(name, document.components.schemas.Problem ?? {}, answer.json);
        return;
      }
      const described = operation.responses[answer.status];
      if (described === undefined)
        throw new Error(
          `${name} is not described: ${JSON.stringify(answer.json)}: see \`raises\` of the operation`,
        );
      const content = described.content?.[contentType];
      const isBare = contentType === "" && Object.keys(described.content ?? {}).length === 0;
      if (content === undefined && !isBare) throw new Error(`${name} as ${contentType} is not described`);
      const known = Object.keys(described.headers ?? {}).map((header) => header.toLowerCase());
      for (const header of answer.headers.keys()) {
        if (!known.includes(header) && !COMMON_HEADERS.has(header) && !header.startsWith("access-control-"))
          throw new Error(`${name}: the header ${header} is not described`);
      }
      if (answer.json !== undefined && content !== undefined)
        check(`${name} ${contentType}`, content.schema, answer.json);
    },
  };
}

export type Contract = ReturnType<typeof createContract>;
