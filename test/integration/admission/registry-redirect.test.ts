import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createOciClient } from "../../../src/admission/signature/oci-client.ts";
import { createRegistryRequest } from "../../../src/admission/signature/registry-request.ts";
import { createSignatureVerifier } from "../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { type ScriptedApi, startScriptedApi } from "../../support/server/scripted-api.ts";

const AT = { host: "registry.test", repository: "shop" };
const CONTENT = Buffer.from("content");
const DIGEST = sha256Digest(CONTENT);

const servers: Server[] = [];
const elsewhere: ScriptedApi[] = [];
const trusted = getCACertificates("default");
afterEach(async () => {
  setDefaultCACertificates(trusted);
  for (const server of servers.splice(0))
    await new Promise((resolve) => server.close(resolve).closeAllConnections());
  for (const api of elsewhere.splice(0)) await api.close();
});

/** A server over plain HTTP, like the mirror of a registry, and the requests that it received. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? "");
    answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const redirectTo = (location: string) => (_: IncomingMessage, response: ServerResponse) =>
  void response.writeHead(307, { location }).end();

const clientOf = (origin: string) =>
  createOciClient(createRegistryRequest({ mirrors: new Map([[AT.host, origin]]), isInsecure: () => false }));

/** Another host over TLS, which this process trusts. */
async function serveContent(): Promise<ScriptedApi> {
  const api = await startScriptedApi((_, response) => void response.end(CONTENT));
  elsewhere.push(api);
  setDefaultCACertificates([...trusted, api.caPem]);
  return api;
}

describe("a registry's redirect", () => {
  it("never follows a redirect for a manifest", async () => {
    const storage = await serveContent();
    const { origin } = await serve(redirectTo(`${storage.origin}/anything`));
    await expect(clientOf(origin).manifest(AT, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow(
      "not followed",
    );
    expect(storage.requests).toEqual([]);
  });

  it("follows a redirect for a blob over TLS, without the registry's token", async () => {
    const storage = await serveContent();
    const { origin } = await serve(redirectTo(`${storage.origin}/blob`));
    expect(Buffer.from(await clientOf(origin).blob(AT, DIGEST, AbortSignal.timeout(5_000)))).toEqual(CONTENT);
    expect(storage.requests.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/blob", undefined],
    ]);
  });

  it("sends no token request to the realm that the redirect's target names", async () => {
    const storage = await startScriptedApi(
      (_, response) =>
        void response
          .writeHead(401, { "www-authenticate": 'Bearer realm="https://127.0.0.1:1/token"' })
          .end(),
    );
    elsewhere.push(storage);
    setDefaultCACertificates([...trusted, storage.caPem]);
    const { origin, asked } = await serve(redirectTo(`${storage.origin}/blob`));
    await expect(clientOf(origin).blob(AT, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow(
      "registry.test answers 401",
    );
    expect(asked).toHaveLength(1);
  });

  it("follows no redirect for a blob over plain HTTP, and stops after a few redirects", async () => {
    const inner = await serve((_, response) => response.end(CONTENT));
    const { origin } = await serve(redirectTo(`${inner.origin}/secret`));
    await expect(clientOf(origin).blob(AT, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow(
      "not followed",
    );
    expect(inner.asked).toEqual([]);
    const loop = await startScriptedApi(
      (_, response) => void response.writeHead(302, { location: "/again" }).end(),
    );
    elsewhere.push(loop);
    setDefaultCACertificates([...trusted, loop.caPem]);
    const around = await serve(redirectTo(`${loop.origin}/again`));
    await expect(clientOf(around.origin).blob(AT, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow(
      "not followed",
    );
    expect(loop.requests).toHaveLength(3);
  });
});

describe("a denial", () => {
  it("has the same message for every answer of the host that an image names; only the log names the answer", async () => {
    const why: string[] = [];
    const logger = pino({}, { write: (line: string) => why.push(JSON.parse(line).why) });
    const answers = [
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(403).end("secret"),
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(500).end("secret"),
      (_: IncomingMessage, response: ServerResponse) => void response.writeHead(401).end(),
      redirectTo("http://169.254.169.254/latest/meta-data"),
      (request: IncomingMessage) => void request.socket.destroy(),
    ];
    const reasons = new Set<string>();
    for (const answer of answers) {
      const { origin } = await serve(answer);
      const verdict = await createSignatureVerifier({ logger, client: clientOf(origin) }).verify(
        { host: AT.host, repository: "shop", digest: DIGEST },
        [{ publicKey: "any" }],
      );
      expect(verdict.kind).toBe("refused");
      reasons.add((verdict as { reason: string }).reason);
    }
    expect(reasons).toHaveLength(1);
    expect([...reasons][0]).not.toMatch(/403|500|401|169|reach|redirect/);
    expect(why).toEqual([
      "registry.test answers 403",
      "registry.test answers 500",
      "registry.test answers 401",
      expect.stringMatching(
        /^registry\.test: GET http:\/\/127\.0\.0\.1:\d+\/v2\/shop\/referrers\/\S+ redirects to http:\/\/169\.254\.169\.254: this redirect is not followed$/,
      ),
      expect.stringMatching(/^registry\.test: GET \S+ failed: other side closed$/),
    ]);
  });
});
