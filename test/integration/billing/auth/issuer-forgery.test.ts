import { createServer } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import {
  askWith,
  billing,
  HOLDS,
  INVALID,
  issuer,
  useTokenIssuer,
} from "../../../support/suite/token-issuer.ts";

useTokenIssuer();

describe("forged tokens of the issuer", () => {
  it.each<[string, JWTPayload]>([
    ["without exp", { exp: undefined } as unknown as JWTPayload],
    ["with exp as a text", { exp: "9999999999" } as unknown as JWTPayload],
    ["expired", { exp: Math.floor(Date.now() / 1000) - 10 }],
    ["not valid yet", { nbf: Math.floor(Date.now() / 1000) + 60 }],
    ["issued in the future", { iat: Math.floor(Date.now() / 1000) + 60 }],
    ["without sub", { sub: undefined } as unknown as JWTPayload],
    ["with sub as a number", { sub: 5 } as unknown as JWTPayload],
  ])("refuses a forged token %s", async (_what, claims) => {
    expect(await askWith(await issuer.forge(claims))).toEqual(INVALID);
  });

  it("refuses a token signed with the issuer's public key as an HMAC secret, in any encoding", async () => {
    await issuer.rotate({ alg: "RS256" });
    const { d, p, q, dp, dq, qi, ...published } = issuer.key.jwk;
    const publicKey = (await importJWK(published, "RS256")) as CryptoKey;
    const pem = await exportSPKI(publicKey);
    for (const secret of [pem, pem.trim(), JSON.stringify(published), published.n ?? ""]) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const token = new SignJWT({ iss: issuer.issuer, aud: issuer.audience, sub: "a", role: "superadmin" })
          .setExpirationTime("5m")
          .setProtectedHeader({ alg, kid: issuer.key.kid })
          .sign(new TextEncoder().encode(secret));
        expect(await askWith(await token)).toEqual(INVALID);
      }
    }
  });

  it("refuses a token that contains its own key, and fetches no URL of its header", async () => {
    const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const jwk = await exportJWK(publicKey);
    let fetched = 0;
    const trap = createServer((_request, response) => {
      fetched += 1;
      response.end(JSON.stringify({ keys: [{ ...jwk, kid: "trap", alg: "ES256", use: "sig" }] }));
    });
    await new Promise<void>((done) => trap.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(trap.address() as { port: number }).port}/keys`;
    try {
      for (const header of [
        { jwk, kid: undefined },
        { jwk, kid: issuer.key.kid },
        { jku: url, kid: "trap" },
        { x5u: url, kid: "trap" },
        { x5c: ["MIIB"], kid: "trap" },
        { kid: "../../dev/null" },
        { kid: "" },
      ]) {
        expect(await askWith(await issuer.forge({ role: "superadmin" }, header, privateKey))).toEqual(
          INVALID,
        );
      }
      expect(fetched).toBe(0);
      // With the right key these members are ignored.
      expect(await askWith(await issuer.forge({}, { jwk, jku: url }))).toEqual(HOLDS);
    } finally {
      trap.close();
    }
  });

  it("refuses a token with critical header members, or with an algorithm that does not match the key", async () => {
    await issuer.rotate({ alg: "RS256" });
    const [header = "", payload = "", signature = ""] = (await issuer.forge()).split(".");
    const withHeader = (changed: object) => {
      const members = { ...JSON.parse(Buffer.from(header, "base64url").toString()), ...changed };
      return `${Buffer.from(JSON.stringify(members)).toString("base64url")}.${payload}.${signature}`;
    };
    for (const changed of [
      { alg: "none" },
      { alg: "None" },
      { alg: "PS256" },
      { alg: "ES256" },
      { alg: ["RS256"] },
      { crit: ["exp"], exp: 1 },
      { crit: [] },
      { b64: false, crit: ["b64"] },
    ]) {
      expect(await askWith(withHeader(changed))).toEqual(INVALID);
    }
    expect(await askWith(`${header}.${payload}.`)).toEqual(INVALID);
    expect(await askWith(`${header}.${payload}.${signature.slice(0, -8)}AAAAAAAA`)).toEqual(INVALID);
    const signed = await issuer.forge({}, { crit: ["x-must-know"], "x-must-know": 1 }).catch(() => "refused");
    expect(signed).toBe("refused");
  });

  it("refuses a token above the size limit, also when its signature is valid", async () => {
    expect(await askWith(await issuer.forge({ padding: "x".repeat(8_000) }))).toEqual(HOLDS);
    const answer = await fetch(`${billing.origin}/billing/balance`, {
      headers: { authorization: `Bearer ${await issuer.forge({ padding: "x".repeat(12_300) })}` },
    });
    // The limit of Node on headers applies before ours.
    expect([401, 431]).toContain(answer.status);
  });
});
