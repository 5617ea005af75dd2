import { createLocalJWKSet, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { base64, pem, secret, useSigningKeys } from "../../support/server/signing-key.ts";

const load = useSigningKeys();

const PATH = "/api/v1/namespaces/catalyst-system/secrets";

describe("createSigningKeys", () => {
  it("creates the Secret when it is missing, and signs tokens that its public half verifies", async () => {
    let stored: unknown;
    const { api, keys } = await load(({ method, body }, response) => {
      if (method === "POST") stored = body;
      if (stored === undefined) sendRefusal(response, 404, "NotFound");
      else sendJson(response, 200, stored);
    });
    const { jwks, mintToken } = await keys;
    expect(api.requests.map(({ method, path }) => `${method} ${path.slice(0, PATH.length)}`)).toEqual([
      `GET ${PATH}`,
      `POST ${PATH}`,
      `GET ${PATH}`,
    ]);
    expect(jwks().keys[0]).not.toHaveProperty("d");
    const { payload, protectedHeader } = await jwtVerify(
      await mintToken("zero.example"),
      createLocalJWKSet(jwks()),
      { issuer: "catalyst-operator", audience: "zero.example" },
    );
    expect(payload).toMatchObject({ role: "sovereign-admin", sub: "operator" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(240);
    expect(protectedHeader).toMatchObject({ alg: "ES256", kid: jwks().keys[0]?.kid });
  });

  it("uses the key of another replica that creates the Secret first", async () => {
    const data = { "key.pem": base64(pem()) };
    let reads = 0;
    const { keys } = await load(({ method }, response) => {
      if (method === "POST") return sendRefusal(response, 409, "AlreadyExists");
      reads += 1;
      return reads === 1 ? sendRefusal(response, 404, "NotFound") : sendJson(response, 200, secret(data));
    });
    const other = await load((_, response) => sendJson(response, 200, secret(data)));
    expect((await keys).jwks()).toEqual((await other.keys).jwks());
  });

  it.each([
    ["has no data", undefined],
    ["has another key", { "other.pem": base64("x") }],
    ["holds garbage", { "key.pem": base64("garbage") }],
  ])("names the Secret and the remedy when it %s", async (_, data) => {
    const { keys } = await load(({ method }, response) =>
      method === "POST"
        ? sendRefusal(response, 409, "AlreadyExists")
        : sendJson(response, 200, secret(data as Record<string, string> | undefined)),
    );
    await expect(keys).rejects.toThrow(
      /^Secret catalyst-system\/[a-z-]+ has no P-256 private key under key\.pem: delete the Secret, and the operator creates a new key$/,
    );
  });

  it("rejects when the server refuses the new Secret", async () => {
    const { keys } = await load(({ method }, response) =>
      method === "POST" ? sendRefusal(response, 403, "Forbidden") : sendRefusal(response, 404, "NotFound"),
    );
    await expect(keys).rejects.toMatchObject({ reason: "Forbidden" });
  });
});
