import { createPublicKey, X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";
import type { createSigstore } from "../builder/sigstore.ts";

type Sigstore = Awaited<ReturnType<typeof createSigstore>>;

interface SigningRequest {
  publicKeyRequest: { publicKey: { content: string } };
}

/** The parts of Fulcio's and Rekor's APIs that cosign calls, over plain HTTP. The certificate has the identity in the token. */
export function startSigstoreServer(sigstore: Sigstore): Promise<RunningHttpServer> {
  async function sign(request: IncomingMessage, body: SigningRequest): Promise<object> {
    const [, claims = ""] = (request.headers.authorization ?? "").replace("Bearer ", "").split(".");
    const { iss, email } = JSON.parse(Buffer.from(claims, "base64url").toString());
    const { content } = body.publicKeyRequest.publicKey;
    const der = await sigstore.issue(createPublicKey(content), {
      issuer: iss,
      identity: email,
      promisedBy: "own",
    });
    const certificates = [new X509Certificate(der).toString()];
    return { signedCertificateEmbeddedSct: { chain: { certificates } } };
  }

  function record({
    kind,
    apiVersion,
    spec,
  }: {
    kind: string;
    apiVersion: string;
    spec: Record<string, never>;
  }) {
    const entry = sigstore.record({ kind, apiVersion, spec: recordedSpec(kind, spec) }, new Date());
    const { inclusionProof } = entry;
    const hex = (base64: string) => Buffer.from(base64, "base64").toString("hex");
    return {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logID: hex(entry.logId.keyId),
      logIndex: Number(entry.logIndex),
      verification: {
        signedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
        inclusionProof: {
          checkpoint: inclusionProof.checkpoint.envelope,
          hashes: inclusionProof.hashes.map(hex),
          logIndex: Number(inclusionProof.logIndex),
          rootHash: hex(inclusionProof.rootHash),
          treeSize: Number(inclusionProof.treeSize),
        },
      },
    };
  }

  async function handler(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = JSON.parse(await text(request));
    const send = (status: number, answer: object, headers: Record<string, string> = {}) =>
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(answer));
    if (request.url === "/api/v2/signingCert") return void send(200, await sign(request, body));
    const id = sha256Digest(JSON.stringify(body)).replace("sha256:", "");
    return void send(201, { [id]: record(body) }, { etag: id, location: `/api/v1/log/entries/${id}` });
  }
  return startHttpServer({ handler, host: "127.0.0.1", port: 0 });
}

/** Rekor stores the hash of an envelope's payload instead of the envelope. */
function recordedSpec(kind: string, spec: Record<string, never>): object {
  if (kind !== "dsse") return spec;
  const { envelope, verifiers } = spec.proposedContent as unknown as {
    envelope: string;
    verifiers: string[];
  };
  const { payload, signatures } = JSON.parse(envelope) as { payload: string; signatures: { sig: string }[] };
  const hash = (bytes: Uint8Array | string) => ({
    algorithm: "sha256",
    value: sha256Digest(bytes).replace("sha256:", ""),
  });
  return {
    envelopeHash: hash(envelope),
    payloadHash: hash(Buffer.from(payload, "base64")),
    signatures: signatures.map(({ sig }, at) => ({ signature: sig, verifier: verifiers[at] })),
  };
}
