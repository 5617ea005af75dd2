import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { issueCertificates } from "../../../src/admission/certificate/certificate.ts";

// The minimum that a webhook on Node does: TLS, a JSON body in, a short answer out. The difference to the operator's webhook is
// the cost of our code. The process ends with its parent.
const { key, certificate } = await issueCertificates(["127.0.0.1"], new Date());

const server = createServer({ key, cert: certificate, keepAliveTimeout: 120_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const review = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { request: { uid: string } };
    const answer = JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      response: { uid: review.request.uid, allowed: true },
    });
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(answer),
    });
    response.end(answer);
  });
});
server.listen({ host: "127.0.0.1", port: 0 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.on("disconnect", () => process.exit());
