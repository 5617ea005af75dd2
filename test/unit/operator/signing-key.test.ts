import { generateKeyPairSync } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterEach, describe, expect, it } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { loadOperatorKey } from "../../../src/operator/signing-key.ts";
import { type Script, sendJson, sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";

const PATH = "/api/v1/namespaces/catalyst-system/secrets";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function load(script: Script) {
  const api = await startScriptedApi(script);
  const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
  cleanups.push(
    () => api.close(),
    () => client.close(),
  );
  return { api, key: loadOperatorKey(client) };
}

const base64 = (text: string) => Buffer.from(text).toString("base64");
const pem = () =>
  generateKeyPairSync("ec", { namedCurve: "P-256" })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
const secret = (data?: Record<string, string>) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "catalyst-operator-key", namespace: "catalyst-system" },
  ...(data === undefined ? {} : { data }),
});

describe("loadOperatorKey", () => {
  it("creates the Secret when it is missing, and signs tokens that its public half verifies", async () => {
    let stored: unknown;
    const { api, key } = await load(({ method, body }, response) => {
      if (method === "POST") stored = body;
      if (stored === undefined) sendRefusal(response, 404, "NotFound");
      else sendJson(response, 200, stored);
    });
    const { jwks, mintToken } = await key;
    expect(api.requests.map(({ method, path }) => `${method} ${path.slice(0, PATH.length)}`)).toEqual([
      `GET ${PATH}`,
      `POST ${PATH}`,
      `GET ${PATH}`,
    ]);
    expect(jwks.keys[0]).not.toHaveProperty("d");
    const { payload, protectedHeader } = await jwtVerify(
      await mintToken("zero.example"),
      createLocalJWKSet(jwks),
      { issuer: "catalyst-operator", audience: "zero.example" },
    );
    expect(payload).toMatchObject({ role: "sovereign-admin", sub: "operator" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(240);
    expect(protectedHeader).toMatchObject({ alg: "ES256", kid: jwks.keys[0]?.kid });
  });

  it("takes the key of another replica that creates the Secret first", async () => {
    const data = { "key.pem": base64(pem()) };
    let reads = 0;
    const { key } = await load(({ method }, response) => {
      if (method === "POST") return sendRefusal(response, 409, "AlreadyExists");
      reads += 1;
      return reads === 1 ? sendRefusal(response, 404, "NotFound") : sendJson(response, 200, secret(data));
    });
    const other = await load((_, response) => sendJson(response, 200, secret(data)));
    expect((await key).jwks).toEqual((await other.key).jwks);
  });

  it.each([
    ["has no data", undefined],
    ["has another key", { "other.pem": base64("x") }],
    ["holds garbage", { "key.pem": base64("garbage") }],
  ])("names the Secret and the remedy when it %s", async (_, data) => {
    const { key } = await load(({ method }, response) =>
      method === "POST"
        ? sendRefusal(response, 409, "AlreadyExists")
        : sendJson(response, 200, secret(data as Record<string, string> | undefined)),
    );
    await expect(key).rejects.toThrow(
      /^Secret catalyst-system\/[a-z-]+ has no P-256 private key under key\.pem: delete the Secret, and the operator creates a new key$/,
    );
  });

  it("rejects when the server refuses the new Secret", async () => {
    const { key } = await load(({ method }, response) =>
      method === "POST" ? sendRefusal(response, 403, "Forbidden") : sendRefusal(response, 404, "NotFound"),
    );
    await expect(key).rejects.toMatchObject({ reason: "Forbidden" });
  });
});
