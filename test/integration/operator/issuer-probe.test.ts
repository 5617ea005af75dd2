import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { probeIssuer } from "../../../src/operator/issuer-probe.ts";
import {
  type CertificateAuthority,
  createCertificateAuthority,
} from "../../support/builder/certificate-authority.ts";
import { type Issuer, startIssuer } from "../../support/server/issuer.ts";

let authority: CertificateAuthority;
let issuer: Issuer;

beforeAll(async () => {
  authority = await createCertificateAuthority("one");
});
afterEach(() => issuer.close());

async function start(hosts = ["127.0.0.1"], by = authority): Promise<string> {
  issuer = await startIssuer({ certificate: await by.server("issuer", hosts) });
  return issuer.issuer;
}

describe("probeIssuer", () => {
  it("reads the keys of an issuer whose authority is given", async () => {
    expect(await probeIssuer({ issuer: await start(), authority: authority.pem })).toEqual({
      kind: "reachable",
    });
    expect(issuer.asked).toEqual({ discovery: 1, keys: 1 });
  });

  it.each([
    ["no authority is given", () => undefined],
    [
      "another authority of the same name is given",
      async () => (await createCertificateAuthority("one")).pem,
    ],
  ])("finds an unknown authority when %s", async (_why, given) => {
    const probe = await probeIssuer({ issuer: await start(), authority: await given() });
    expect(probe).toEqual({
      kind: "unknownAuthority",
      cause: expect.stringContaining(`GET ${issuer.issuer}/.well-known/openid-configuration failed: `),
    });
    expect(issuer.asked).toEqual({ discovery: 0, keys: 0 });
  });

  it("finds a certificate with another host name", async () => {
    const probe = await probeIssuer({ issuer: await start(["id.example"]), authority: authority.pem });
    expect(probe).toMatchObject({ kind: "invalidCertificate", cause: expect.stringContaining("127.0.0.1") });
  });

  it("finds an answer that is not that of an issuer", async () => {
    const address = await start();
    issuer.state = "html";
    expect(await probeIssuer({ issuer: address, authority: authority.pem })).toMatchObject({
      kind: "invalidAnswer",
      cause: expect.stringContaining("not JSON"),
    });
    issuer.state = "healthy";
    await issuer.rename("https://other.example");
    expect(await probeIssuer({ issuer: address, authority: authority.pem })).toMatchObject({
      kind: "invalidAnswer",
      cause: expect.stringContaining("describes another issuer"),
    });
  });

  it("does not judge an issuer that does not answer", async () => {
    const address = await start();
    await issuer.leave();
    expect(await probeIssuer({ issuer: address, authority: authority.pem })).toMatchObject({
      kind: "unreachable",
    });
    // A port that resets each connection before TLS begins.
    const { cert, key } = await authority.server("issuer", ["127.0.0.1"]);
    const server = createServer({ cert, key }).on("connection", (socket) => socket.destroy());
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const probe = await probeIssuer({ issuer: `https://127.0.0.1:${port}`, authority: authority.pem });
    await new Promise((done) => server.close(done));
    expect(probe).toMatchObject({ kind: "unreachable" });
  });
});
