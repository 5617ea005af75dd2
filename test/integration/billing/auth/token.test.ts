import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createOperatorKey,
  FQDN,
  JWT_SECRET,
  type OperatorKey,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";

type Pair = Awaited<ReturnType<typeof generateKeyPair>>;

const AUDIENCE = "billing";
let billing: TestBilling;
let operator: OperatorKey;
let issuer: string;
let issuerServer: Server;
let served: object[] = [];
let pair: Pair;

beforeAll(async () => {
  pair = await generateKeyPair("RS256", { extractable: true });
  served = [{ ...(await exportJWK(pair.publicKey)), kid: "one", alg: "RS256", use: "sig" }];
  issuerServer = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/realms/om/.well-known/openid-configuration") {
      response.end(JSON.stringify({ issuer, jwks_uri: `${issuer}/certs` }));
    } else if (request.url === "/realms/om/certs") {
      response.end(JSON.stringify({ keys: served }));
    } else {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((done) => issuerServer.listen(0, "127.0.0.1", done));
  issuer = `http://127.0.0.1:${(issuerServer.address() as { port: number }).port}/realms/om`;
  operator = await createOperatorKey();
  billing = await startBilling({
    env: { OIDC_ISSUER: issuer, OIDC_AUDIENCE: AUDIENCE },
    files: { OPERATOR_JWKS_FILE: operator.jwks },
  });
});

afterAll(async () => {
  await billing.close();
  issuerServer.closeAllConnections();
  await new Promise((done) => issuerServer.close(done));
});

const now = () => Math.floor(Date.now() / 1000);
const oidcClaims = (): JWTPayload => ({
  iss: issuer,
  aud: AUDIENCE,
  sub: "kc-user",
  email: "kc@example.om",
  iat: now(),
  exp: now() + 300,
});
const oidc = (claims: JWTPayload = {}, kid = "one", key = pair.privateKey) =>
  new SignJWT({ ...oidcClaims(), ...claims }).setProtectedHeader({ alg: "RS256", kid }).sign(key);
const operatorClaims = (): JWTPayload => ({
  iss: "catalyst-operator",
  aud: FQDN,
  sub: "operator",
  role: "sovereign-admin",
  iat: now(),
  exp: now() + 300,
});
const operated = (claims: JWTPayload = {}, key = operator.privateKey) =>
  new SignJWT({ ...operatorClaims(), ...claims })
    .setProtectedHeader({ alg: "ES256", kid: "operator" })
    .sign(key);
const hs256 = (claims: JWTPayload, secret: string | Uint8Array = JWT_SECRET) =>
  new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256" })
    .sign(typeof secret === "string" ? new TextEncoder().encode(secret) : secret);
const unsigned = (claims: JWTPayload) =>
  `${Buffer.from('{"alg":"none"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;

const list = (token: string | undefined) => billing.ask("/billing/vouchers/list", { token });
const balance = (token: string | undefined) => billing.ask("/billing/balance", { token });

describe("valid tokens", () => {
  it.each([
    ["the shared secret's", () => signToken("a", "sovereign-admin")],
    ["the issuer's, with a plain role", () => oidc({ role: "superadmin" })],
    [
      "the issuer's, with Keycloak's realm roles",
      () => oidc({ realm_access: { roles: ["offline_access", "sovereign-admin"] } }),
    ],
    ["the issuer's, for several audiences", () => oidc({ aud: ["account", AUDIENCE], role: "superadmin" })],
    ["the operator's", () => operated()],
  ])("accepts a token: %s", async (_what, make) => {
    expect((await list(await make())).status).toBe(200);
  });

  it("allows each role only its own endpoints", async () => {
    const settings = (token: string) => billing.ask("/billing/admin/settings", { token });
    for (const token of [
      await signToken("a", "sovereign-admin"),
      await operated({ role: "superadmin" }),
      await oidc(),
    ]) {
      expect([(await settings(token)).status, (await settings(token)).json.code]).toEqual([
        403,
        "role_missing",
      ]);
    }
    expect((await list(await oidc({ role: "customer", realm_access: null }))).status).toBe(403);
    expect((await settings(await signToken("root", "superadmin"))).status).toBe(200);
  });

  it("uses the operator's keys from their file as the file changes", async () => {
    const next = await createOperatorKey();
    expect((await list(await operated({}, next.privateKey))).status).toBe(401);
    writeFileSync(
      billing.settings.operatorJwksFile ?? "",
      JSON.stringify({
        keys: [...operator.jwks.keys, ...next.jwks.keys.map((key) => ({ ...key, kid: "next" }))],
      }),
    );
    const rotated = await new SignJWT(operatorClaims())
      .setProtectedHeader({ alg: "ES256", kid: "next" })
      .sign(next.privateKey);
    expect((await list(rotated)).status).toBe(200);
    expect((await list(await operated())).status).toBe(200);
  });
});

describe("a token with text that PostgreSQL cannot store", () => {
  it("accepts an order without the email of the token", async () => {
    const token = await signToken("half", "member", { email: "\ud800@example.om" });
    const answer = await billing.ask("/billing/checkout", {
      token,
      body: { plan_id: "free", tenant_id: "half-shop" },
    });
    expect(answer.status).toBe(200);
    const { rows } = await billing.database.pool.query("SELECT email FROM customers WHERE user_id = 'half'");
    expect(rows).toEqual([{ email: "" }]);
  });

  it("writes a digest of an invalid token id to the audit, and ignores an invalid role", async () => {
    const token = await oidc({ role: "superadmin", jti: "a\udfff" });
    const issued = await billing.ask("/billing/vouchers/issue", {
      token,
      body: { code: "HALF", credit_omr: 1 },
    });
    expect(issued.status).toBe(200);
    const [entry] = (await billing.ask("/billing/vouchers/audit/HALF", { token })).json;
    expect(entry.token_id).toMatch(/^sha256:/);
    expect((await list(await oidc({ role: "superadmin\ud800" }))).status).toBe(403);
  });
});

describe("invalid tokens", () => {
  it.each<[string, () => Promise<string> | string | undefined]>([
    ["none at all", () => undefined],
    ["no JWT", () => "abc"],
    [
      "another Sovereign's secret",
      () => signToken("a", "superadmin", {}, "another-secret-of-another-sovereign"),
    ],
    ["HS256 without exp", () => hs256({ sub: "a", role: "superadmin" })],
    ["HS256 expired", () => hs256({ sub: "a", role: "superadmin", exp: now() - 60 })],
    ["HS256 without sub", () => hs256({ role: "superadmin", exp: now() + 60 })],
    ["HS256 with an empty sub", () => hs256({ sub: "", role: "superadmin", exp: now() + 60 })],
    ["HS256 with NUL in its sub", () => hs256({ sub: "a\0b", role: "superadmin", exp: now() + 60 })],
    [
      "HS256 with half a character in its sub",
      () => hs256({ sub: "a\ud800", role: "superadmin", exp: now() + 60 }),
    ],
    [
      "HS256 not valid yet",
      () => hs256({ sub: "a", role: "superadmin", exp: now() + 600, nbf: now() + 300 }),
    ],
    [
      "HS256 for another audience",
      () => hs256({ sub: "a", role: "superadmin", aud: "other.example", exp: now() + 60 }),
    ],
    ["alg none", () => unsigned({ sub: "a", role: "superadmin", exp: now() + 60 })],
    ["alg none in the issuer's name", () => unsigned({ ...oidcClaims(), role: "superadmin" })],
    [
      "HS256 with the issuer's public key for a secret",
      async () => hs256({ ...oidcClaims(), role: "superadmin" }, Buffer.from(JSON.stringify(served[0]))),
    ],
    [
      "HS256 in the operator's name with a guessed secret",
      () => hs256(operatorClaims(), "0123456789abcdef0123456789abcdef"),
    ],
    ["the issuer's for another audience", () => oidc({ aud: "other", role: "superadmin" })],
    [
      "the issuer's without audience",
      async () =>
        new SignJWT({ ...oidcClaims(), aud: undefined, role: "superadmin" } as unknown as JWTPayload)
          .setProtectedHeader({ alg: "RS256", kid: "one" })
          .sign(pair.privateKey),
    ],
    ["another issuer's", () => oidc({ iss: "https://evil.example", role: "superadmin" })],
    ["the issuer's without exp", () => oidc({ exp: undefined, role: "superadmin" } as unknown as JWTPayload)],
    [
      "the issuer's by another key",
      async () => oidc({ role: "superadmin" }, "one", (await generateKeyPair("RS256")).privateKey),
    ],
    ["the operator's for another Sovereign", () => operated({ aud: "other.example" })],
    ["the operator's of six minutes", () => operated({ exp: now() + 360 })],
    ["the operator's from the future", () => operated({ iat: now() + 400, exp: now() + 600 })],
    ["the operator's without iat", () => operated({ iat: undefined } as unknown as JWTPayload)],
    ["the operator's in the name of another user", () => operated({ sub: "victim" })],
    ["the operator's name by the issuer's key", () => oidc({ ...operatorClaims() })],
  ])("refuses a token: %s", async (_what, make) => {
    const token = await make();
    for (const answer of [await list(token), await balance(token)]) {
      expect([answer.status, answer.json.status]).toEqual([401, 401]);
      expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    }
  });

  it("returns only 401 or 400 for any Authorization header", async () => {
    for (const authorization of [
      "Bearer",
      "Bearer ",
      "Basic YTpi",
      "Bearer a.b.c",
      `Bearer ${"a".repeat(12_000)}`,
      "Bearer ....",
      "bearer e30.e30.e30",
    ]) {
      expect((await billing.ask("/billing/balance", { headers: { authorization } })).status).toBe(401);
    }
  });
});

describe("a service without a shared secret", () => {
  it("refuses HS256 tokens without a shared secret", async () => {
    const one = await startBilling({ env: { JWT_SECRET: "", OIDC_ISSUER: issuer, OIDC_AUDIENCE: AUDIENCE } });
    try {
      expect((await one.ask("/billing/balance", { token: await signToken("a") })).status).toBe(401);
      expect((await one.ask("/billing/balance", { token: await oidc() })).status).toBe(200);
    } finally {
      await one.close();
    }
  });
});
