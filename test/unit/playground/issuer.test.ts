import { createHash } from "node:crypto";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTokenVerifier } from "../../../src/billing/auth/token.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { type Issuer, startIssuer } from "../../../src/playground/issuer/server.ts";

const PAGE = "http://127.0.0.1:7448/admin";
const VERIFIER = "a-verifier-that-only-the-page-has";

let issuer: Issuer;
let now = new Date();
beforeAll(async () => {
  issuer = await startIssuer(0, () => now);
  issuer.register("omantel", { displayName: "Omantel <Cloud>", audience: "omantel.omani.works" });
  issuer.register("zero", { displayName: "Zero", audience: "zero.catalyst.example" });
});
afterAll(() => issuer.close());

const request = (changes: Record<string, string> = {}) =>
  `${issuer.origin}/authorize?${new URLSearchParams({
    response_type: "code",
    response_mode: "fragment",
    client_id: "omantel",
    redirect_uri: PAGE,
    state: "s",
    code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
    code_challenge_method: "S256",
    ...changes,
  })}`;

const post = (address: string, form: Record<string, string>) =>
  fetch(address, { method: "POST", body: new URLSearchParams(form), redirect: "manual" });

async function newCode(): Promise<string> {
  const chosen = await post(request(), { account: "sovereign-admin" });
  const location = new URL(chosen.headers.get("location") ?? "");
  expect([chosen.status, location.origin + location.pathname]).toEqual([303, PAGE]);
  const answer = new URLSearchParams(location.hash.slice(1));
  expect([answer.get("state"), answer.get("iss")]).toEqual(["s", issuer.origin]);
  return answer.get("code") ?? "";
}

const redeem = async (code: string, changes: Record<string, string> = {}) => {
  const answer = await post(`${issuer.origin}/token`, {
    ...{ grant_type: "authorization_code", code, client_id: "omantel" },
    ...{ redirect_uri: PAGE, code_verifier: VERIFIER, ...changes },
  });
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
  return { status: answer.status, json: (await answer.json()) as Record<string, string> };
};

describe("the playground's issuer", () => {
  it("shows a page with the accounts, and the Sovereign's name as text", async () => {
    const page = await fetch(request());
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(html).toContain("Omantel &#60;Cloud&#62;");
    expect([...html.matchAll(/value="([a-z-]+)"/g)].map(([, name]) => name)).toEqual([
      ...["sovereign-admin", "superadmin", "sovereign-auditor", "customer"],
    ]);
  });

  it("issues a token that billing accepts, with the chosen role, and renews it once for each refresh token", async () => {
    const first = await redeem(await newCode());
    const verify = createTokenVerifier({
      settings: {
        sovereignFqdn: "omantel.omani.works",
        oidc: { issuer: issuer.origin, audience: "omantel.omani.works" },
      },
      operatorKeys: () => undefined,
      now: () => now,
      logger: createLogger("test", "silent"),
    });
    expect(await verify(`Bearer ${first.json.access_token}`)).toMatchObject({
      issuer: "oidc",
      email: "sovereign-admin@playground.example",
      roles: new Set(["sovereign-admin"]),
    });
    const renew = (token: string | undefined) =>
      redeem("", { grant_type: "refresh_token", refresh_token: token ?? "", code_verifier: "" });
    const second = await renew(first.json.refresh_token);
    expect(second.status).toBe(200);
    expect(decodeJwt(second.json.access_token ?? "").jti).not.toBe(
      decodeJwt(first.json.access_token ?? "").jti,
    );
    expect((await renew(first.json.refresh_token)).json.error).toBe("invalid_grant");
  });

  it("redeems a code once", async () => {
    const code = await newCode();
    expect((await redeem(code)).status).toBe(200);
    expect((await redeem(code)).json.error).toBe("invalid_grant");
  });

  it.each([
    ["verifier", { code_verifier: "another" }],
    ["address", { redirect_uri: "http://127.0.0.1:9/admin" }],
    ["client", { client_id: "zero" }],
  ])("refuses a code with another %s", async (_what, changes) => {
    expect(await redeem(await newCode(), changes)).toMatchObject({
      status: 400,
      json: { error: "invalid_grant" },
    });
  });

  it("refuses a code after a minute", async () => {
    const code = await newCode();
    now = new Date(now.getTime() + 60_000);
    expect((await redeem(code)).json.error).toBe("invalid_grant");
  });

  it.each([
    ["an unknown client", { client_id: "other" }, "invalid_client"],
    ["a page on another machine", { redirect_uri: "http://192.0.2.1/admin" }, "invalid_request"],
    ["another page on this machine", { redirect_uri: "http://127.0.0.1:7448/other" }, "invalid_request"],
    ["a challenge in plain text", { code_challenge_method: "plain" }, "invalid_request"],
    ["a token without a code", { response_type: "token" }, "invalid_request"],
  ])("sends no code to %s", async (_what, changes, error) => {
    const answer = await post(request(changes), { account: "superadmin" });
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
    expect(await answer.json()).toMatchObject({ error });
  });

  it("refuses an account that it does not have", async () => {
    const answer = await post(request(), { account: "root" });
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ error: "access_denied" }),
    ]);
  });
});
