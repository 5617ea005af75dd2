import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";

const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const REQUEST =
  /^\/v2\/(?<name>[a-z0-9/_-]+?)\/(?<kind>manifests|blobs\/uploads|blobs|referrers)\/(?<reference>[^/]*)$/;

interface Stored {
  mediaType: string;
  bytes: Buffer;
}

export interface PushRegistry {
  /** `127.0.0.1:PORT`, for plain HTTP. */
  host: string;
  /** Stores a manifest under its digest, and returns the digest. */
  push(name: string, manifest: object): string;
  close(): Promise<void>;
}

/** A registry in memory that tools can push to, with the referrers API or, like older ones, without it. */
export async function startPushRegistry(options: { hasReferrers: boolean }): Promise<PushRegistry> {
  const manifests = new Map<string, Stored>();
  const blobs = new Map<string, Buffer>();
  const uploads = new Map<string, Buffer>();

  function store(name: string, reference: string, stored: Stored): string {
    const digest = sha256Digest(stored.bytes);
    manifests.set(`${name} ${digest}`, stored);
    manifests.set(`${name} ${reference}`, stored);
    return digest;
  }

  function referrersOf(name: string, subject: string): object[] {
    return [...manifests].flatMap(([key, { mediaType, bytes }]) => {
      const digest = sha256Digest(bytes);
      const parsed = JSON.parse(bytes.toString());
      return key === `${name} ${digest}` && parsed.subject?.digest === subject
        ? [
            {
              mediaType,
              digest,
              size: bytes.length,
              artifactType: parsed.artifactType ?? parsed.config.mediaType,
            },
          ]
        : [];
    });
  }

  async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://registry");
    const body = await buffer(request);
    const send = (
      status: number,
      headers: Record<string, string> = {},
      bytes: Uint8Array = Buffer.alloc(0),
    ) => {
      response.writeHead(status, { "content-length": String(bytes.length), ...headers });
      response.end(request.method === "HEAD" ? undefined : bytes);
    };
    if (/^\/v2\/?$/.test(url.pathname)) return send(200);
    const { name = "", kind, reference = "" } = REQUEST.exec(url.pathname)?.groups ?? {};
    if (kind === "blobs/uploads") {
      const id = reference === "" ? String(uploads.size + 1) : reference;
      const content = Buffer.concat([uploads.get(id) ?? Buffer.alloc(0), body]);
      uploads.set(id, content);
      const digest = url.searchParams.get("digest");
      if (digest === null || sha256Digest(content) !== digest)
        return send(digest === null ? 202 : 400, { location: `/v2/${name}/blobs/uploads/${id}` });
      blobs.set(digest, content);
      return send(201, { location: `/v2/${name}/blobs/${digest}`, "docker-content-digest": digest });
    }
    if (kind === "manifests" && request.method === "PUT") {
      const mediaType = request.headers["content-type"] ?? "";
      const digest = store(name, reference, { mediaType, bytes: body });
      const subject = JSON.parse(body.toString()).subject?.digest;
      const seen = options.hasReferrers && subject !== undefined ? { "oci-subject": subject } : {};
      return send(201, { "docker-content-digest": digest, ...seen });
    }
    const found = kind === "manifests" ? manifests.get(`${name} ${reference}`) : undefined;
    if (found !== undefined)
      return send(
        200,
        { "content-type": found.mediaType, "docker-content-digest": sha256Digest(found.bytes) },
        found.bytes,
      );
    const blob = kind === "blobs" ? blobs.get(reference) : undefined;
    if (blob !== undefined) return send(200, { "content-type": "application/octet-stream" }, blob);
    if (kind !== "referrers" || !options.hasReferrers) return send(404);
    const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: referrersOf(name, reference) };
    return send(200, { "content-type": INDEX_TYPE }, Buffer.from(JSON.stringify(index)));
  }

  const server: RunningHttpServer = await startHttpServer({ handler, host: "127.0.0.1", port: 0 });
  return {
    host: `127.0.0.1:${server.port}`,
    push(name, manifest) {
      const { mediaType } = manifest as { mediaType: string };
      return store(name, "latest", { mediaType, bytes: Buffer.from(JSON.stringify(manifest)) });
    },
    close: () => server.close(500),
  };
}
