import { webcrypto } from "node:crypto";
import https from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface WebhookServer {
  url: string;
  port: number;
  /** The server's own certificate in base64, in the form of a `caBundle`. */
  caBundle: string;
  /** All received AdmissionReviews, in order. */
  received: Record<string, unknown>[];
  /** Connections opened so far. */
  connections(): number;
  close(): Promise<void>;
}

/** Returns the `response` of a review, or a whole HTTP answer. */
export type Answer = (
  request: Record<string, unknown>,
  path: string,
) =>
  | { response: Record<string, unknown> }
  | { status: number; body: string }
  | Promise<{ response: Record<string, unknown> } | { status: number; body: string }>;

async function selfSigned(names: readonly string[]) {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=webhook",
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.SubjectAlternativeNameExtension([
        ...names.map((value) => ({ type: "dns" as const, value })),
        { type: "ip" as const, value: "127.0.0.1" },
      ]),
    ],
  });
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
}

/** A real HTTPS webhook on loopback whose certificate bears `names`. */
export async function startWebhookServer(
  answer: Answer,
  names: readonly string[] = [],
): Promise<WebhookServer> {
  const { cert, key } = await selfSigned(names);
  const received: Record<string, unknown>[] = [];
  let connections = 0;
  const server = https.createServer({ cert, key }, async (request, response) => {
    const review = JSON.parse(await text(request)) as Record<string, unknown>;
    received.push(review);
    const asked = review.request as Record<string, unknown>;
    const answered = await answer(asked, request.url ?? "");
    if ("status" in answered) {
      response.writeHead(answered.status, { "content-type": "text/plain" }).end(answered.body);
      return;
    }
    response.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: { uid: asked.uid, ...answered.response },
      }),
    );
  });
  server.on("secureConnection", () => connections++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${port}`,
    port,
    caBundle: Buffer.from(cert).toString("base64"),
    received,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
