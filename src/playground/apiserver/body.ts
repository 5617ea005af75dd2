import type { IncomingMessage } from "node:http";
import { parseAllDocuments } from "yaml";
import { duplicateFields } from "./duplicate-field.ts";
import { mediaTypeOf } from "./media-type.ts";
import { isRecord, type JsonObject } from "./object.ts";
import { decodeProtobuf, PROTOBUF } from "./protobuf.ts";
import { badRequest, tooLarge, unsupportedMediaType } from "./refusal.ts";

/** Kubernetes' limit for one request. */
const LIMIT_BYTES = 3 * 1024 * 1024;

const ENCODINGS = ["application/json", "application/yaml", PROTOBUF];

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > LIMIT_BYTES) throw tooLarge(LIMIT_BYTES);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LIMIT_BYTES) throw tooLarge(LIMIT_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Parses a body into one JSON object. No content type means JSON. Types other than JSON, YAML and protobuf get 415. */
export function decodeObject(body: Buffer, contentType: string | undefined): JsonObject {
  const type = mediaTypeOf(contentType);
  if (type !== "" && !ENCODINGS.includes(type)) throw unsupportedMediaType(ENCODINGS);
  if (type === PROTOBUF) {
    const decoded = decodeProtobuf(body);
    if (decoded === undefined) throw unsupportedMediaType(ENCODINGS);
    return decoded;
  }
  const value = type === "application/yaml" ? parseYaml(body) : parseJson(body);
  if (!isRecord(value)) throw badRequest("the body of the request is not an object");
  return value;
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(utf8(body));
  } catch (error) {
    throw badRequest(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
}

/** One YAML document (JSON is YAML too). Repeated keys, and aliases that expand too far, are refused. */
export function parseYaml(body: Buffer): unknown {
  const text = utf8(body);
  const json = jsonOrUndefined(text);
  if (json !== undefined) return json;
  const documents = parseAllDocuments(text, { uniqueKeys: true, logLevel: "silent" });
  const [document] = documents;
  if (document === undefined || !("contents" in document))
    throw badRequest("the body of the request is empty");
  const [problem] = document.errors;
  if (problem !== undefined) throw badRequest(`error converting YAML to JSON: yaml: ${problem.message}`);
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw badRequest(`error converting YAML to JSON: yaml: ${(error as Error).message}`);
  }
}

/** Clients of Go send JSON as YAML. A YAML parser takes 20 times as long for it. */
function jsonOrUndefined(text: string): unknown {
  if (!text.startsWith("{")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return duplicateFields(text).length === 0 ? value : undefined;
  } catch {
    return undefined;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function utf8(body: Buffer): string {
  try {
    return decoder.decode(body);
  } catch {
    throw badRequest("the body of the request is not UTF-8");
  }
}
