import express, { type Request, type Response } from "express";
import { RequestError } from "../errors.ts";

const MAX_BODY_BYTES = 64 * 1024;
const readBytes = express.raw({ type: () => true, limit: MAX_BODY_BYTES, inflate: false });

/** The body's bytes as they were sent, at most 64 KiB. */
export function bodyOf(request: Request, response: Response): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    readBytes(request, response, (error?: unknown) => {
      if (error !== undefined) reject(error);
      else resolve(Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));
    });
  });
}

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

/** Translates errors of express and its body reader into coded errors, by their `type` and `status`. */
export function requestErrorOf(error: unknown): unknown {
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  if (error instanceof RequestError || typeof status !== "number" || status < 400 || status >= 500)
    return error;
  if (type === "entity.too.large")
    return new RequestError("body_too_large", `the body exceeds ${MAX_BODY_BYTES} bytes: send less`, {
      cause: error,
    });
  if (type === "encoding.unsupported") {
    return new RequestError(
      "body_encoding_unsupported",
      "a compressed body is not supported: send the body uncompressed",
      {
        cause: error,
      },
    );
  }
  return new RequestError(
    "request_invalid",
    "the request is malformed: check the path's encoding and the body's length",
    { cause: error },
  );
}
