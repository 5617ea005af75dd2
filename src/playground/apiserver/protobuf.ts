import { readFileSync } from "node:fs";
import { type JsonObject, setMember } from "./object.ts";
import { badRequest } from "./refusal.ts";

/**
 * A field as `[JSON name, kind of value, flags, message]`. Flags: `r` repeated, `m` a map with string keys, `i` inlined
 * into the parent object, `p` absent when it is not set, `o` omitted from JSON when it is zero.
 */
type Field = [name: string, kind: string, flags: string, message?: string];

interface Document {
  /** `apps/v1/Deployment` → its message. */
  kinds: Record<string, string>;
  messages: Record<string, Record<string, Field>>;
}

// Taken from the protobuf tags of k8s.io/api 0.36.
const document = JSON.parse(
  readFileSync(new URL("./builtin/protobuf.json", import.meta.url), "utf8"),
) as Document;

const MAGIC = Buffer.from("k8s\0");
const MAX_DEPTH = 64;

export const PROTOBUF = "application/vnd.kubernetes.protobuf";

/**
 * Decodes a request body in Kubernetes' protobuf envelope. Undefined for a kind without a protobuf form here. Answers
 * need no encoding: every client that sends protobuf also accepts JSON.
 */
export function decodeProtobuf(body: Buffer): JsonObject | undefined {
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) throw malformed("the envelope's prefix is missing");
  let apiVersion = "";
  let kind = "";
  let raw: Buffer = Buffer.alloc(0);
  for (const [number, value] of fieldsOf(body.subarray(MAGIC.length))) {
    if (number === 1) {
      for (const [member, text] of fieldsOf(bytes(value))) {
        if (member === 1) apiVersion = bytes(text).toString();
        if (member === 2) kind = bytes(text).toString();
      }
    } else if (number === 2) raw = bytes(value);
  }
  const message = document.kinds[kind === "DeleteOptions" ? kind : `${apiVersion}/${kind}`];
  return message === undefined ? undefined : { apiVersion, kind, ...decodeMessage(raw, message, 0) };
}

function decodeMessage(buffer: Buffer, message: string, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw malformed("it is nested too deeply");
  const fields = document.messages[message] ?? {};
  const out: JsonObject = {};
  for (const [number, value] of fieldsOf(buffer)) {
    const field = fields[number];
    if (field === undefined) continue;
    const [name, kind, flags, inner = ""] = field;
    if (flags.includes("m")) {
      const [key, item] = mapEntry(bytes(value), kind, inner, depth);
      out[name] ??= {};
      setMember(out[name] as JsonObject, key, item);
    } else if (flags.includes("r")) {
      out[name] ??= [];
      (out[name] as unknown[]).push(decodeValue(value, kind, inner, depth));
    } else {
      const decoded = decodeValue(value, kind, inner, depth);
      if (flags.includes("i")) Object.assign(out, decoded);
      else if (decoded !== undefined && !(flags.includes("o") && isZero(decoded))) out[name] = decoded;
    }
  }
  return out;
}

function mapEntry(buffer: Buffer, kind: string, message: string, depth: number): [string, unknown] {
  let key = "";
  let item: unknown = kind === "string" || kind === "bytes" ? "" : undefined;
  for (const [number, value] of fieldsOf(buffer)) {
    if (number === 1) key = bytes(value).toString();
    else if (number === 2) item = decodeValue(value, kind, message, depth);
  }
  return [key, item];
}

function decodeValue(value: WireValue, kind: string, message: string, depth: number): unknown {
  switch (kind) {
    case "string":
      return bytes(value).toString();
    case "bytes":
      return bytes(value).toString("base64");
    case "bool":
      return integer(value) !== 0;
    case "int":
      return integer(value);
    case "double":
      return Buffer.isBuffer(value) && value.length === 8 ? value.readDoubleLE() : 0;
    case "time":
    case "microtime":
      return time(bytes(value), kind === "microtime");
    case "quantity":
      return textOf(bytes(value), 1);
    case "intstr":
      return intOrString(bytes(value));
    case "raw":
      return rawJson(bytes(value));
    case "items":
      return [...fieldsOf(bytes(value))].map(([, item]) => bytes(item).toString());
    default:
      return decodeMessage(bytes(value), message, depth + 1);
  }
}

function time(buffer: Buffer, micro: boolean): string | undefined {
  let seconds = 0;
  let nanos = 0;
  for (const [number, value] of fieldsOf(buffer)) {
    if (number === 1) seconds = integer(value);
    else if (number === 2) nanos = integer(value);
  }
  if (buffer.length === 0) return undefined;
  const text = new Date(seconds * 1000).toISOString();
  return micro
    ? text.replace("000Z", `${String(Math.floor(nanos / 1000)).padStart(6, "0")}Z`)
    : text.replace(".000Z", "Z");
}

function textOf(buffer: Buffer, wanted: number): string {
  for (const [number, value] of fieldsOf(buffer)) if (number === wanted) return bytes(value).toString();
  return "";
}

function intOrString(buffer: Buffer): number | string {
  let isText = false;
  let number = 0;
  let text = "";
  for (const [member, value] of fieldsOf(buffer)) {
    if (member === 1) isText = integer(value) === 1;
    else if (member === 2) number = integer(value);
    else if (member === 3) text = bytes(value).toString();
  }
  return isText ? text : number;
}

function rawJson(buffer: Buffer): unknown {
  const text = textOf(buffer, 1);
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    throw malformed("an embedded object is not JSON");
  }
}

function isZero(value: unknown): boolean {
  if (value === "" || value === 0 || value === false) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

type WireValue = bigint | Buffer;

/** The fields of one message as they come on the wire. */
function* fieldsOf(buffer: Buffer): Iterable<[number: number, value: WireValue]> {
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[offset++];
      if (byte === undefined) throw malformed("it ends in the middle of a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw malformed("a number is too long");
  };
  const take = (length: number): Buffer => {
    if (length > buffer.length - offset) throw malformed("it ends in the middle of a field");
    offset += length;
    return buffer.subarray(offset - length, offset);
  };
  while (offset < buffer.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        yield [number, varint()];
        break;
      case 1:
        yield [number, take(8)];
        break;
      case 2:
        yield [number, take(Number(varint()))];
        break;
      case 5:
        yield [number, take(4)];
        break;
      default:
        throw malformed(`it has a field of unknown type ${tag & 7}`);
    }
  }
}

function bytes(value: WireValue): Buffer {
  if (!Buffer.isBuffer(value)) throw malformed("a number stands where bytes are due");
  return value;
}

function integer(value: WireValue): number {
  if (Buffer.isBuffer(value)) throw malformed("bytes stand where a number is due");
  return Number(BigInt.asIntN(64, value));
}

function malformed(why: string) {
  return badRequest(`the protobuf body cannot be read: ${why}`);
}
