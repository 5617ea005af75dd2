import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createOciClient } from "../../../src/admission/signature/oci-client.ts";
import { createRegistryFetch } from "../../../src/admission/signature/registry-fetch.ts";
import { createRegistryRequest } from "../../../src/admission/signature/registry-request.ts";
import { createPullSecretLookup } from "../../../src/operator/pull-secret-file.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { startHttpServer } from "../../../src/platform/http-server.ts";
import { type ScriptedApi, startScriptedApi } from "../../support/server/scripted-api.ts";

const AT = { host: "registry.test", repository: "shop" };
const CONTENT = Buffer.from("content");
const DIGEST = sha256Digest(CONTENT);
const MANIFEST = `/v2/shop/manifests/${DIGEST}`;

const trusted = getCACertificates("default");
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  setDefaultCACertificates(trusted);
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** A registry over TLS that sends its content to the bearer of `secret`, and a challenge to others. */
async function startRegistry(token: { status: number; body: string }, challenge?: string) {
  const api = await startScriptedApi(({ path, headers }, response) => {
    if (path === "/token") return void response.writeHead(token.status).end(token.body);
    if (headers.authorization === "Bearer secret") return void response.end(CONTENT);
    const realm = `Bearer realm="${api.origin}/token",service="registry.test",scope="repository:shop:pull"`;
    response.writeHead(401, { "www-authenticate": challenge ?? realm }).end();
  });
  cleanups.push(() => api.close());
  setDefaultCACertificates([...trusted, api.caPem]);
  const client = createOciClient(
    createRegistryRequest({ mirrors: new Map([[AT.host, api.origin]]), isInsecure: () => false }),
  );
  return {
    read: () => client.manifest(AT, DIGEST, AbortSignal.timeout(5_000)),
    asked: () => api.requests.map(({ path, headers }) => [path, headers.authorization]),
    requests: api.requests,
  };
}

describe("the token of a registry", () => {
  it.each([{ token: "secret" }, { access_token: "secret" }, { token: "secret", access_token: "other" }])(
    "is asked for anonymously and sent to the registry: %j",
    async (body) => {
      const { read, asked, requests } = await startRegistry({ status: 200, body: JSON.stringify(body) });
      expect(await read()).toEqual(CONTENT);
      expect(asked()).toEqual([
        [MANIFEST, undefined],
        ["/token", undefined],
        [MANIFEST, "Bearer secret"],
      ]);
      expect(Object.fromEntries(requests[1]?.query ?? [])).toEqual({
        service: "registry.test",
        scope: "repository:shop:pull",
      });
    },
  );

  it.each([
    ["the token service refuses", { status: 403, body: JSON.stringify({ token: "secret" }) }],
    ["its answer is not JSON", { status: 200, body: "secret" }],
    ["its answer is null", { status: 200, body: "null" }],
    ["its answer has no token", { status: 200, body: "{}" }],
  ])("sends no token when %s", async (_when, token) => {
    const { read, asked } = await startRegistry(token);
    await expect(read()).rejects.toThrow("registry.test answers 401");
    expect(asked()).toEqual([
      [MANIFEST, undefined],
      ["/token", undefined],
      [MANIFEST, undefined],
    ]);
  });

  it.each([["Basic"], ['Bearer realm="nowhere"'], ['Bearer realm="http://127.0.0.1:1/token"']])(
    "is not asked for after the challenge %s",
    async (challenge) => {
      const { read, asked } = await startRegistry({ status: 200, body: '{"token":"secret"}' }, challenge);
      await expect(read()).rejects.toThrow("registry.test answers 401");
      expect(asked()).toEqual([
        [MANIFEST, undefined],
        [MANIFEST, undefined],
      ]);
    },
  );

  it("requests a token without a service and a scope when the challenge names none", async () => {
    const api = await startScriptedApi(({ path, headers }, response) => {
      if (path === "/token") return void response.end('{"token":"secret"}');
      if (headers.authorization === "Bearer secret") return void response.end(CONTENT);
      response.writeHead(401, { "www-authenticate": `Bearer realm="${api.origin}/token"` }).end();
    });
    cleanups.push(() => api.close());
    setDefaultCACertificates([...trusted, api.caPem]);
    const client = createOciClient(
      createRegistryRequest({ mirrors: new Map([[AT.host, api.origin]]), isInsecure: () => false }),
    );
    expect(await client.blob(AT, DIGEST, AbortSignal.timeout(5_000))).toEqual(CONTENT);
    expect(api.requests[1]?.query.toString()).toBe("");
  });
});

describe("the platform's credential", () => {
  const credentialOf = async (host: string) =>
    host.startsWith("127.0.0.1:") || host === AT.host ? { username: "robot", password: "s" } : undefined;
  const BASIC = `Basic ${Buffer.from("robot:s").toString("base64")}`;

  /** A registry over TLS that wants a token, or the credential itself; it is trusted by `--registry-ca-file` alone. */
  async function startPrivateRegistry(challenge: (origin: string) => string, wanted: string) {
    const api = await startScriptedApi(({ path, headers }, response) => {
      if (path === "/token")
        return void response.end(headers.authorization === BASIC ? '{"token":"secret"}' : "{}");
      if (headers.authorization === wanted) return void response.end(CONTENT);
      response.writeHead(401, { "www-authenticate": challenge(api.origin) }).end();
    });
    cleanups.push(() => api.close());
    const request = createRegistryRequest({
      ...{ mirrors: new Map([[AT.host, api.origin]]), isInsecure: () => false, credentialOf },
      fetch: createRegistryFetch(api.caPem),
    });
    const client = createOciClient(request);
    return { api, read: () => client.manifest(AT, DIGEST, AbortSignal.timeout(5_000)) };
  }
  const sent = ({ requests }: ScriptedApi) =>
    requests.map(({ path, headers }) => [path, headers.authorization]);

  it("exchanges the credential for a token, which later requests use until the registry refuses it", async () => {
    const { api, read } = await startPrivateRegistry(
      (origin) => `Bearer realm="${origin}/token"`,
      "Bearer secret",
    );
    expect(await read()).toEqual(CONTENT);
    expect(await read()).toEqual(CONTENT);
    expect(sent(api)).toEqual([
      [MANIFEST, undefined],
      ["/token", BASIC],
      [MANIFEST, "Bearer secret"],
      [MANIFEST, "Bearer secret"],
    ]);
  });

  it("sends the credential to a registry that asks for it", async () => {
    const { api, read } = await startPrivateRegistry(() => 'Basic realm="registry"', BASIC);
    expect(await read()).toEqual(CONTENT);
    expect(sent(api)).toEqual([
      [MANIFEST, undefined],
      [MANIFEST, BASIC],
    ]);
  });

  it("never sends the credential over plain HTTP", async () => {
    const seen: (string | undefined)[] = [];
    const server = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: ({ headers }, response) => {
        seen.push(headers.authorization);
        response.writeHead(401, { "www-authenticate": "Basic" }).end();
      },
    });
    cleanups.push(() => server.close(0));
    const host = `127.0.0.1:${server.port}`;
    const client = createOciClient(
      createRegistryRequest({ mirrors: new Map(), isInsecure: () => true, credentialOf }),
    );
    const at = { host, repository: "shop" };
    await expect(client.manifest(at, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow("answers 401");
    expect(seen).toEqual([undefined, undefined]);
  });

  it("reads mounted pull secrets at each use; a broken one does not affect the others", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pull-secret-"));
    cleanups.push(() => rm(folder, { recursive: true }));
    const files = ["broken", "missing", "good"].map((name) => join(folder, name));
    const write = (password: string) =>
      writeFile(
        join(folder, "good"),
        JSON.stringify({ auths: { "registry.test": { username: "u", password } } }),
      );
    await writeFile(join(folder, "broken"), "pa55word");
    const lines: string[] = [];
    const lookup = createPullSecretLookup(
      files,
      pino({}, { write: (line: string) => void lines.push(line) }),
    );
    await write("one");
    expect(await lookup("registry.test", "shop")).toEqual({ username: "u", password: "one" });
    await write("two");
    expect(await lookup("registry.test", "shop")).toEqual({ username: "u", password: "two" });
    expect(await lookup("other.test", "shop")).toBeUndefined();
    expect(lines.join("")).toMatch(/not valid JSON[\s\S]*ENOENT/);
    expect(lines.join("")).not.toContain("pa55word");
  });

  it("sends no credential to a registry whose certificate no authority of the platform signed", async () => {
    const { api } = await startPrivateRegistry(() => "Basic", BASIC);
    const other = await startScriptedApi(() => undefined);
    cleanups.push(() => other.close());
    const client = createOciClient(
      createRegistryRequest({
        ...{ mirrors: new Map([[AT.host, api.origin]]), isInsecure: () => false, credentialOf },
        fetch: createRegistryFetch(other.caPem),
      }),
    );
    await expect(client.manifest(AT, DIGEST, AbortSignal.timeout(5_000))).rejects.toThrow(/certificate/);
    expect(api.requests).toEqual([]);
  });
});

describe("createOciClient", () => {
  it("asks an insecure host over plain HTTP, and has no manifest and an error for a missing blob after a 404", async () => {
    const server = await startHttpServer({
      host: "127.0.0.1",
      port: 0,
      handler: (_, response) => void response.writeHead(404).end(),
    });
    cleanups.push(() => server.close(0));
    const host = `127.0.0.1:${server.port}`;
    const client = createOciClient(
      createRegistryRequest({ mirrors: new Map(), isInsecure: (asked) => asked === host }),
    );
    const signal = AbortSignal.timeout(5_000);
    expect(await client.manifest({ host, repository: "shop" }, DIGEST, signal)).toBeUndefined();
    await expect(client.blob({ host, repository: "shop" }, DIGEST, signal)).rejects.toThrow(
      `${host} lacks the blob ${DIGEST} that its manifest names`,
    );
  });
});
