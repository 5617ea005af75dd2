import { type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { billing, FQDN, JWT_SECRET, startBilling, useBilling } from "../../../support/builder/billing.ts";

useBilling();

const LIFETIME_S = 900;

/** Exactly what the earlier auth service signs; a member that is undefined is left out. */
function today(change: Record<string, unknown> = {}, secret = JWT_SECRET): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    sub: "salma",
    email: "salma@example.om",
    role: "sovereign-admin",
    iat,
    exp: iat + LIFETIME_S,
  };
  return new SignJWT({ ...claims, ...change } as JWTPayload)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(new TextEncoder().encode(secret));
}

const nowS = () => Math.floor(Date.now() / 1000);
const list = (token: string) => billing.ask("/billing/vouchers/list", { token });

describe("an HS256 token", () => {
  it.each<[string, () => Record<string, unknown>]>([
    ["it has the five claims and lives for 15 minutes", () => ({})],
    ["it is about to end", () => ({ iat: nowS() - LIFETIME_S + 2, exp: nowS() + 2 })],
    ["its two times were read a second apart", () => ({ exp: nowS() + LIFETIME_S + 1 })],
    ["it lives for less", () => ({ exp: nowS() + 60 })],
    ["it says no email", () => ({ email: undefined })],
  ])("accepts an HS256 token when %s", async (_what, change) => {
    expect((await list(await today(change()))).status).toBe(200);
  });

  it("gives an HS256 token without a role no rights", async () => {
    const token = await today({ role: undefined });
    expect((await list(token)).status).toBe(403);
    expect((await billing.ask("/billing/balance", { token })).status).toBe(200);
  });

  it.each<[string, () => Record<string, unknown>]>([
    ["it lives for longer than 15 minutes", () => ({ exp: nowS() + LIFETIME_S + 10 })],
    ["it lives for a week, as a refresh token does", () => ({ exp: nowS() + 7 * 86_400 })],
    ["it does not say since when", () => ({ iat: undefined })],
    ["it says of what kind it is", () => ({ type: "refresh" })],
    ["it has an id", () => ({ jti: "t-1" })],
    ["it names an issuer", () => ({ iss: "https://auth.example" })],
    ["it names the operator", () => ({ iss: "catalyst-operator", sub: "operator" })],
    ["it names this Sovereign", () => ({ aud: FQDN })],
    ["it names another one", () => ({ aud: "other.example" })],
    ["it has Keycloak's roles", () => ({ realm_access: { roles: ["superadmin"] } })],
    ["it says from when", () => ({ nbf: nowS() - 60 })],
  ])("refuses an HS256 token when %s, and gives the reason", async (_what, change) => {
    const answer = await list(await today(change()));
    expect([answer.status, answer.json.code]).toEqual([401, "token_invalid"]);
    expect(answer.json.detail).toBe(
      "an HS256 token must have only the claims sub, email, role, iat and exp, and a lifetime of at most 15 minutes: sign in again",
    );
  });

  it("gives no reason from the claims of a token that another secret signed", async () => {
    const answer = await list(await today({ jti: "t-1" }, "the-secret-of-another-sovereign-0000"));
    expect([answer.status, answer.json.detail]).toEqual([401, "the token is not valid here: sign in again"]);
  });
});

describe("the shared secret", () => {
  it.each([
    ["JWT_SECRET", " ".repeat(40)],
    ["JWT_SECRET", "\t".repeat(40)],
    ["JWT_SECRET", `${" ".repeat(16)}short${"\n".repeat(16)}`],
    ["SETTINGS_KEY", " ".repeat(40)],
  ])("does not start with %s set to %j", async (name, value) => {
    await expect(startBilling({ env: { [name]: value } })).rejects.toThrow(
      `${name} must have at least 32 bytes, blanks around it not counted: generate a longer one, or leave it out`,
    );
  });

  it("keeps the blanks around a secret that is long enough", async () => {
    const secret = ` ${JWT_SECRET}\n`;
    const one = await startBilling({ env: { JWT_SECRET: secret }, database: billing.database });
    try {
      expect((await one.ask("/billing/balance", { token: await today({}, secret) })).status).toBe(200);
      expect((await one.ask("/billing/balance", { token: await today() })).status).toBe(401);
    } finally {
      await one.close();
    }
  });
});
