import { createHmac } from "node:crypto";
import fc from "fast-check";
import { decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { createSharedSecretVerifier } from "../../../../src/billing/auth/shared-secret-verifier.ts";
import { JWT_SECRET } from "../../../support/builder/billing.ts";

const NOW = new Date("2026-11-29T12:00:00Z");
const NOW_S = NOW.getTime() / 1_000;
const OPTIONS = { currentDate: NOW, clockTolerance: 5, requiredClaims: ["exp", "sub"] };
const CLAIMS = { sub: "salma", email: "salma@example.om", role: "member", iat: NOW_S, exp: NOW_S + 900 };
const HEADER: { alg: string; typ: string; crit?: unknown } = { alg: "HS256", typ: "JWT" };

const verify = createSharedSecretVerifier(JWT_SECRET);
const encode = (text: string) => Buffer.from(text).toString("base64url");
const macOf = (signed: string, secret = JWT_SECRET) =>
  createHmac("sha256", secret).update(signed).digest("base64url");

/** A token with any header and claims, signed as JWS requires. */
function sign(header: unknown, claims: unknown, secret = JWT_SECRET): string {
  const signed = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
  return `${signed}.${macOf(signed, secret)}`;
}

/** Whether the verifier accepts a token, called as `token.ts` calls it. */
function isValid(token: string): boolean {
  try {
    verify(token, decodeProtectedHeader(token), OPTIONS);
    return true;
  } catch {
    return false;
  }
}

const isValidForJose = (token: string): Promise<boolean> =>
  jwtVerify(token, new TextEncoder().encode(JWT_SECRET), { ...OPTIONS, algorithms: ["HS256"] }).then(
    () => true,
    () => false,
  );

describe("the verifier of HS256 tokens", () => {
  it("returns the claims of a valid token", () => {
    expect(verify(sign(HEADER, CLAIMS), HEADER, OPTIONS)).toEqual(CLAIMS);
  });

  it.each<[string, string]>([
    ["another secret", sign(HEADER, CLAIMS, "the-secret-of-another-sovereign-0000")],
    ["no signature", sign(HEADER, CLAIMS).replace(/[^.]+$/, "")],
    ["a part of the signature", sign(HEADER, CLAIMS).slice(0, -1)],
    ["a padded signature", `${sign(HEADER, CLAIMS)}=`],
    ["a fourth part", `${sign(HEADER, CLAIMS)}.x`],
    ["claims that are an array", sign(HEADER, [CLAIMS])],
    ["claims that are null", sign(HEADER, null)],
    ["no claims", `${encode(JSON.stringify(HEADER))}..${macOf(`${encode(JSON.stringify(HEADER))}.`)}`],
    ["a critical header", sign({ ...HEADER, crit: ["exp"], exp: 1 }, CLAIMS)],
    ["an unencoded payload", sign({ ...HEADER, crit: ["b64"], b64: false }, CLAIMS)],
    ["its end five seconds ago", sign(HEADER, { ...CLAIMS, iat: NOW_S - 60, exp: NOW_S - 5 })],
    ["an end that is text", sign(HEADER, { ...CLAIMS, exp: String(NOW_S + 900) })],
    ["no subject", sign(HEADER, { ...CLAIMS, sub: undefined })],
  ])("refuses a token with %s", (_what, token) => {
    expect(isValid(token)).toBe(false);
  });

  it("accepts no token that jose refuses, and refuses none of the earlier auth service that jose accepts", async () => {
    const around = (fromS: number, toS: number, other: unknown) =>
      fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: NOW_S + fromS, max: NOW_S + toS }) },
        { weight: 1, arbitrary: fc.constant(other) },
      );
    const members = {
      sub: fc.string(),
      email: fc.string(),
      role: fc.string(),
      iat: around(-60, 5, "now"),
      exp: around(-30, 920, null),
    };
    const claims = fc.oneof(
      { weight: 4, arbitrary: fc.record(members) },
      { weight: 1, arbitrary: fc.record(members, { requiredKeys: ["iat"] }) },
    );
    const header = fc.oneof(
      { weight: 6, arbitrary: fc.constant(HEADER) },
      { weight: 1, arbitrary: fc.record({ alg: fc.constant("HS256"), crit: fc.array(fc.string()) }) },
    );
    const change = fc.option(fc.record({ at: fc.nat(), to: fc.constantFrom("A", "z", "_", ".", "=") }), {
      freq: 2,
    });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(header, claims, change, async (head, body, changed) => {
        const token = sign(head, body);
        const at = (changed?.at ?? 0) % token.length;
        const sent = changed === null ? token : `${token.slice(0, at)}${changed.to}${token.slice(at + 1)}`;
        const valid = readable(sent) && isValid(sent);
        accepted += valid ? 1 : 0;
        const lives = Number(body.exp) - Number(body.iat);
        const isExpected = (await isValidForJose(sent)) && lives <= 905;
        // jose also accepts other spellings of the same signature.
        if (changed === null) expect(valid).toBe(isExpected);
        else if (valid) expect(isExpected).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(accepted).toBeGreaterThan(50);
  });
});

/** Whether the header can be read: `token.ts` refuses a token otherwise. */
function readable(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg === "HS256";
  } catch {
    return false;
  }
}
