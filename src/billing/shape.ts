import { boundedFetch, jsonOf } from "../platform/bounded-fetch.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import { getPlainJson } from "../platform/plain-get.ts";

/** A running Sovereign, from which the shape is read without a token. */
export interface ShapeSource {
  /** `http://10.0.0.7:8085`, with a path prefix where there is one. */
  baseUrl: string;
  fetch: typeof fetch;
  signal: AbortSignal;
}

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** `sha256:…` of the canonical /openapi.json. Throws `FetchError`. */
export async function readApiFingerprint(source: ShapeSource): Promise<string> {
  return apiFingerprintOf(await read(source, "/openapi.json"));
}

export const apiFingerprintOf = (document: unknown): string => sha256Digest(canonicalJson(document));

/** The schema as /readyz reports it. Throws `FetchError`, also when the service is not ready. */
export async function readServedSchema(
  source: ShapeSource,
): Promise<{ version: string; fingerprint: string }> {
  return servedSchemaOf(await read(source, "/readyz"));
}

/** As `readServedSchema`, of a Pod at its own address. It is cheaper, for Pods that are asked again and again. */
export async function readPodSchema(
  baseUrl: string,
  signal: AbortSignal,
): Promise<{ version: string; fingerprint: string }> {
  const bounds = { timeoutMs: TIMEOUT_MS, signal, maxBytes: MAX_ANSWER_BYTES };
  return servedSchemaOf(await getPlainJson(`${baseUrl}/readyz`, bounds));
}

function servedSchemaOf(answer: unknown): { version: string; fingerprint: string } {
  const { schema } = (answer ?? {}) as {
    schema?: { version?: unknown; fingerprint?: unknown };
  };
  const { version, fingerprint } = schema ?? {};
  if (typeof version !== "string" || typeof fingerprint !== "string")
    throw new Error("/readyz does not name the schema's version and fingerprint: is this a billing service?");
  return { version, fingerprint };
}

async function read({ baseUrl, fetch, signal }: ShapeSource, path: string): Promise<unknown> {
  const url = `${baseUrl.replace(/\/+$/, "")}${path}`;
  return jsonOf(
    await boundedFetch(url, { fetch, timeoutMs: TIMEOUT_MS, signal, maxBytes: MAX_ANSWER_BYTES }),
  );
}
