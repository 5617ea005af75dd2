import { exportJWK, generateKeyPair, type JWK, type JWTVerifyGetKey } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createIssuerKeys } from "../../../../src/billing/auth/issuer-keys.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { type AnsweringServer, startAnsweringServer } from "../../../support/server/answering-server.ts";

const DISCOVERY = "/.well-known/openid-configuration";
let key: JWK;
let server: AnsweringServer;
let find: JWTVerifyGetKey;

beforeAll(async () => {
  const { publicKey } = await generateKeyPair("ES256", { extractable: true });
  key = { ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" };
});
beforeEach(async () => {
  server = await startAnsweringServer();
  server.answers[DISCOVERY] = { body: { issuer: server.origin, jwks_uri: `${server.origin}/keys` } };
  server.answers["/keys"] = { body: { keys: [key] } };
  find = createIssuerKeys({
    settings: { issuer: server.origin },
    now: () => new Date(),
    logger: createLogger("test", "silent"),
  });
});
afterEach(() => server.close());

const ask = (kid = "one") => find({ alg: "ES256", kid }, { payload: "", signature: "" });

describe("the issuer's keys", () => {
  it("finds the keys by discovery, and fetches them once", async () => {
    await ask();
    await ask();
    expect(server.asked).toEqual([DISCOVERY, "/keys"]);
  });

  it("uses only keys for signatures", async () => {
    const others = [
      { ...key, kid: "two", use: "enc" },
      { kty: "oct", k: "c2VjcmV0", kid: "three" },
      { ...key, kid: "four", use: "sig" },
      null,
    ];
    server.answers["/keys"] = { body: { keys: [...others, key] } };
    await ask("one");
    await ask("four");
    await expect(ask("two")).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
    await expect(ask("three")).rejects.toMatchObject({ code: "ERR_JWKS_NO_MATCHING_KEY" });
  });

  it.each<[string, string, AnsweringServer["answers"][string]]>([
    ["names no address of them", DISCOVERY, { body: { issuer: "ORIGIN" } }],
    ["names an address that is none", DISCOVERY, { body: { issuer: "ORIGIN", jwks_uri: "keys" } }],
    ["names a file", DISCOVERY, { body: { issuer: "ORIGIN", jwks_uri: "file:///etc/keys" } }],
    ["describes another", DISCOVERY, { body: { issuer: "https://other", jwks_uri: "ORIGIN/keys" } }],
    ["has no discovery", DISCOVERY, { status: 404 }],
    ["answers a list", "/keys", { body: [] }],
    ["answers null", "/keys", { body: "null" }],
    ["answers no JSON", "/keys", { body: "<html>" }],
    ["answers nothing", "/keys", { status: 204 }],
    ["answers more than a megabyte", "/keys", { body: `{"keys":[],"x":"${"x".repeat(1024 * 1024)}"}` }],
    ["has more than a thousand", "/keys", { body: { keys: Array(1_001).fill({ kty: "EC" }) } }],
    ["redirects", "/keys", { status: 302, headers: { location: "/elsewhere" } }],
  ])("fails when the issuer %s", async (_what, path, { status, body, headers }) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    server.answers[path] = {
      ...(status === undefined ? {} : { status }),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body: text.replaceAll("ORIGIN", server.origin) }),
    };
    server.answers["/elsewhere"] = { body: { keys: [key] } };
    await expect(ask()).rejects.toMatchObject({ code: "issuer_unavailable" });
    expect(server.asked).not.toContain("/elsewhere");
  });
});
