import type { IncomingMessage, ServerResponse } from "node:http";
import { type RunningHttpServer, startHttpServer } from "../../platform/http-server.ts";
import type { Artifact } from "../image.ts";

/** An OCI registry on loopback. It serves pulls by digest or tag, and referrers. It accepts no uploads over HTTP: use `push`. */
export interface Registry {
  origin: string;
  push(artifact: Artifact, tag?: string): void;
  close(): Promise<void>;
}

interface StoredManifest {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

const REQUEST =
  /^\/v2\/(?<repository>[a-z0-9._/-]+)\/(?<kind>manifests|blobs|referrers)\/(?<reference>[A-Za-z0-9._:-]+)$/;
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

/** Uses `wantedPort` if it is free, so that a restarted playground keeps the registry's address. */
export async function startRegistry(wantedPort = 0): Promise<Registry> {
  const manifests = new Map<string, StoredManifest>();
  const blobs = new Map<string, Buffer>();

  const send = (
    request: IncomingMessage,
    response: ServerResponse,
    bytes: Buffer,
    contentType: string,
    digest?: string,
  ) => {
    response.writeHead(200, {
      "content-type": contentType,
      "content-length": bytes.length,
      ...(digest === undefined ? {} : { "docker-content-digest": digest }),
    });
    response.end(request.method === "HEAD" ? undefined : bytes);
  };
  const refuse = (response: ServerResponse, status: number, code: string) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll("_", " ") }] }));
  };

  const handler = (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? "/", "http://registry").pathname;
    if (request.method !== "GET" && request.method !== "HEAD") return refuse(response, 405, "UNSUPPORTED");
    if (path === "/v2/" || path === "/v2")
      return send(request, response, Buffer.from("{}"), "application/json");
    const { repository = "", kind, reference = "" } = REQUEST.exec(path)?.groups ?? {};
    if (kind === "manifests") {
      const manifest = manifests.get(`${repository} ${reference}`);
      if (manifest === undefined) return refuse(response, 404, "MANIFEST_UNKNOWN");
      return send(request, response, manifest.bytes, manifest.mediaType, manifest.digest);
    }
    if (kind === "blobs") {
      const blob = blobs.get(`${repository} ${reference}`);
      if (blob === undefined) return refuse(response, 404, "BLOB_UNKNOWN");
      return send(request, response, blob, "application/octet-stream", reference);
    }
    if (kind === "referrers") {
      const index = {
        schemaVersion: 2,
        mediaType: INDEX_TYPE,
        manifests: referrersOf(repository, reference),
      };
      return send(request, response, Buffer.from(JSON.stringify(index)), INDEX_TYPE);
    }
    return refuse(response, 404, "NAME_UNKNOWN");
  };

  function referrersOf(repository: string, subject: string): object[] {
    const own = [...manifests].filter(([key, { digest }]) => key === `${repository} ${digest}`);
    return own.flatMap(([, { mediaType, digest, bytes }]) => {
      const parsed = JSON.parse(bytes.toString()) as { subject?: { digest?: string }; artifactType?: string };
      if (parsed.subject?.digest !== subject) return [];
      return [{ mediaType, digest, size: bytes.length, artifactType: parsed.artifactType }];
    });
  }

  const listen = (port: number): Promise<RunningHttpServer> =>
    startHttpServer({ handler, host: "127.0.0.1", port });
  const server = await listen(wantedPort).catch(() => listen(0));
  return {
    origin: server.origin,
    push({ repository, mediaType, manifest, digest, blobs: content }, tag) {
      const stored = { mediaType, digest, bytes: Buffer.from(manifest) };
      manifests.set(`${repository} ${digest}`, stored);
      if (tag !== undefined) manifests.set(`${repository} ${tag}`, stored);
      for (const [blobDigest, bytes] of content) blobs.set(`${repository} ${blobDigest}`, Buffer.from(bytes));
    },
    close: () => server.close(500),
  };
}
