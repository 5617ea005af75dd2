import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueCertificates } from "../../../src/admission/certificate/certificate.ts";
import { type RunningHttpServer, startHttpServer } from "../../../src/platform/http-server.ts";

let server: RunningHttpServer;

const certificate = async () => {
  const { certificate: cert, key } = await issueCertificates(["localhost"], new Date());
  return { cert, key };
};

beforeAll(async () => {
  server = await startHttpServer({
    handler: (_, response) => response.end(),
    host: "127.0.0.1",
    port: 0,
    tls: await certificate(),
  });
});
afterAll(() => server?.close(0));

/** The protocol and the cipher that a client with these options and the server agree on. */
async function handshake(options: ConnectionOptions = {}) {
  const socket = connect({ host: "127.0.0.1", port: server.port, rejectUnauthorized: false, ...options });
  try {
    await once(socket, "secureConnect");
    const { fingerprint256 } = socket.getPeerCertificate();
    return { protocol: socket.getProtocol(), cipher: socket.getCipher().name, fingerprint256 };
  } finally {
    socket.destroy();
  }
}

const OLD = { minVersion: "TLSv1", maxVersion: "TLSv1.2" } as const;

describe("an HTTPS server", () => {
  it("speaks TLS 1.3, and TLS 1.2 with older clients", async () => {
    expect(await handshake()).toMatchObject({ protocol: "TLSv1.3" });
    expect(await handshake({ maxVersion: "TLSv1.2" })).toMatchObject({ protocol: "TLSv1.2" });
  });

  it.each<[string, ConnectionOptions]>([
    ["TLS 1.1", { ...OLD, maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" }],
    ["a cipher without authentication of data", { ...OLD, ciphers: "ECDHE-ECDSA-AES128-SHA" }],
    ["a cipher without forward secrecy", { ...OLD, ciphers: "AES128-GCM-SHA256" }],
  ])("refuses %s", async (_, options) => {
    await expect(handshake(options)).rejects.toThrow();
  });

  it("keeps these bounds, and serves new connections, with a new certificate", async () => {
    const before = await handshake();
    server.setTls(await certificate());
    const after = await handshake();
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    await expect(handshake({ ...OLD, ciphers: "ECDHE-ECDSA-AES128-SHA" })).rejects.toThrow();
  });

  it("closes a connection that never begins its handshake", async () => {
    const bounded = await startHttpServer({
      handler: (_, response) => response.end(),
      host: "127.0.0.1",
      port: 0,
      tls: await certificate(),
      limits: { requestMs: 100, connections: 10 },
    });
    const socket = connectTcp({ host: "127.0.0.1", port: bounded.port });
    await once(socket.resume(), "close");
    await bounded.close(0);
  });
});
