import type { IncomingMessage } from "node:http";
import { readRequestBody } from "../../platform/request-body.ts";
import { RequestError } from "../errors.ts";

const MAX_BODY_BYTES = 64 * 1024;
const NO_BYTES = Buffer.alloc(0);

/** The body's bytes as they were sent, at most 64 KiB. Of a longer body, the rest is not read. */
export function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const {
    "content-encoding": encoding,
    "content-length": length,
    "transfer-encoding": transfer,
  } = request.headers;
  if (transfer === undefined && (length === undefined || length === "0")) return Promise.resolve(NO_BYTES);
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return Promise.reject(
      new RequestError(
        "body_encoding_unsupported",
        "a compressed body is not supported: send the body uncompressed",
      ),
    );
  }
  if (Number(length) > MAX_BODY_BYTES) return Promise.reject(tooLarge());
  return readRequestBody(request, MAX_BODY_BYTES, {
    tooLarge,
    incomplete: (cause) =>
      new RequestError("request_invalid", "the body is not complete: send it again", { cause }),
  });
}

const tooLarge = () =>
  new RequestError("body_too_large", `the body exceeds ${MAX_BODY_BYTES} bytes: send less`);

/** `type/subtype`, then its parameters. */
const MEDIA_TYPE = /^\s*([\w!#$&^.+-]+\/[\w!#$&^.+-]+)\s*((?:;.*)?)$/;

/**
 * Accepts JSON types, no type, and `text/plain`: a browser's `fetch` sends that for a text when the page sets no type, as
 * older pages do. Throws `body_type_unsupported` for every other type.
 */
export function requireJsonType(contentType: string | undefined): void {
  if (contentType === undefined) return;
  const [, type = "", parameters = ""] = MEDIA_TYPE.exec(contentType.toLowerCase()) ?? [];
  const isJson = type === "application/json" || type === "text/plain" || /^application\/.+\+json$/.test(type);
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/.exec(parameters)?.[1] ?? "utf-8";
  if (isJson && ["utf-8", "utf8", "us-ascii"].includes(charset)) return;
  throw new RequestError(
    "body_type_unsupported",
    "the body's Content-Type is not supported: send JSON in UTF-8 with Content-Type: application/json",
  );
}

/** Translates errors of Express's router into coded errors, by their `status`. */
export function requestErrorOf(error: unknown): unknown {
  const { status } = (error ?? {}) as { status?: unknown };
  if (error instanceof RequestError || typeof status !== "number" || status < 400 || status >= 500)
    return error;
  return new RequestError(
    "request_invalid",
    "the request is malformed: check the path's encoding and the body's length",
    { cause: error },
  );
}
