import { once } from "node:events";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueCertificates } from "../../../../src/admission/certificate/certificate.ts";
import { requireClientCertificate } from "../../../../src/admission/certificate/client-certificate.ts";
import { type RunningHttpServer, startHttpServer } from "../../../../src/platform/http-server.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../../support/builder/certificate-authority.ts";

let [own, foreign]: (CertificateAuthority | undefined)[] = [];
let pair: { cert: string; key: string };
let server: RunningHttpServer;

beforeAll(async () => {
  [own, foreign] = [await createCertificateAuthority("own"), await createCertificateAuthority("foreign")];
  const { certificate, key } = await issueCertificates(["localhost"], new Date());
  pair = { cert: certificate, key };
  server = await startHttpServer({
    handler: requireClientCertificate((_, response) => void response.end("served"), ["kube-apiserver"]),
    host: "127.0.0.1",
    port: 0,
    tls: { ...pair, ca: own.pem },
  });
});
afterAll(() => server?.close(0));

async function ask(client: { cert?: string; key?: string } = {}) {
  const sent = request({
    host: "127.0.0.1",
    port: server.port,
    rejectUnauthorized: false,
    agent: false,
    ...client,
  });
  sent.end();
  const [answer] = await once(sent, "response");
  return [answer.statusCode, await text(answer)];
}

describe("requireClientCertificate", () => {
  it("answers a client with a certificate of the CA and an accepted name", async () => {
    expect(await ask(await own?.client("kube-apiserver"))).toEqual([200, "served"]);
  });

  it("refuses a client without a certificate", async () => {
    expect(await ask()).toEqual([401, expect.stringContaining("--webhook-client-ca-file")]);
  });

  it("refuses a certificate of another CA", async () => {
    expect(await ask(await foreign?.client("kube-apiserver"))).toEqual([401, expect.any(String)]);
  });

  it("refuses another name of the same CA", async () => {
    expect(await ask(await own?.client("kube-apiserver-x"))).toEqual([
      403,
      expect.stringContaining("--webhook-client-names"),
    ]);
  });

  it("follows a change of the CA without a restart", async () => {
    server.setTls({ ...pair, ca: String(foreign?.pem) });
    expect((await ask(await foreign?.client("kube-apiserver")))[0]).toBe(200);
    expect((await ask(await own?.client("kube-apiserver")))[0]).toBe(401);
    server.setTls({ ...pair, ca: String(own?.pem) });
  });

  it("accepts every name of the CA when none is configured", async () => {
    const open = await startHttpServer({
      handler: requireClientCertificate((_, response) => void response.end("served"), []),
      ...{ host: "127.0.0.1", port: 0, tls: { ...pair, ca: String(own?.pem) } },
    });
    const { port } = server;
    server.port = open.port;
    expect((await ask(await own?.client("any")))[0]).toBe(200);
    expect((await ask())[0]).toBe(401);
    server.port = port;
    await open.close(0);
  });
});
