import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createOperatorKey, FQDN, signToken } from "../../../support/builder/billing.ts";
import { startIssuer } from "../../../support/server/issuer.ts";
import {
  askWith,
  HOLDS,
  INVALID,
  issuer,
  ROLES,
  restart,
  useTokenIssuer,
} from "../../../support/suite/token-issuer.ts";

useTokenIssuer();

describe("tokens of a real OpenID Connect server", () => {
  it("accepts a person's and a client's token, each with its own roles", async () => {
    const { accessToken } = await issuer.signIn("sara");
    expect(await askWith(accessToken, "/billing/vouchers/list")).toEqual(HOLDS);
    expect(await askWith(accessToken, "/billing/admin/orders")).toEqual([403, "role_missing"]);
    expect(await askWith(await issuer.clientToken(), "/billing/admin/orders")).toEqual(HOLDS);
    const { accessToken: nobody } = await issuer.signIn("nobody");
    expect(await askWith(nobody)).toEqual(HOLDS);
    expect(await askWith(nobody, "/billing/vouchers/list")).toEqual([403, "role_missing"]);
  });

  it("accepts a token with keys from OIDC_JWKS_URL, and requests nothing else from the issuer", async () => {
    await restart({ OIDC_JWKS_URL: issuer.jwksUrl });
    expect(await askWith(await issuer.clientToken())).toEqual(HOLDS);
    expect(issuer.asked).toEqual({ discovery: 0, keys: 1 });
  });

  it("refuses ID tokens, also when the client is the audience", async () => {
    const { idToken } = await issuer.signIn("sara");
    expect(await askWith(idToken)).toEqual(INVALID);
    await restart({ OIDC_AUDIENCE: issuer.clientId });
    expect(await askWith(idToken)).toEqual(INVALID);
    expect(await askWith(await issuer.forge({ aud: issuer.clientId }))).toEqual(HOLDS);
    for (const [claims, header] of [
      [{ at_hash: "x" }, {}],
      [{ typ: "Refresh" }, {}],
      [{ events: {} }, {}],
      [{ cnf: { jkt: "x" } }, {}],
      [{}, { typ: "logout+jwt" }],
    ] as const) {
      expect(await askWith(await issuer.forge({ aud: issuer.clientId, ...claims }, header))).toEqual(INVALID);
    }
    expect(await askWith(await issuer.forge({ aud: issuer.clientId }, { typ: "at+jwt" }))).toEqual(HOLDS);
  });

  it("refuses a token on a Sovereign with another issuer, audience, name or secret", async () => {
    const other = await startIssuer({ roles: ROLES });
    const foreignKey = await createOperatorKey();
    try {
      const nowS = Math.floor(Date.now() / 1000);
      const operated = new SignJWT({
        iss: "catalyst-operator",
        aud: FQDN,
        sub: "operator",
        iat: nowS,
        exp: nowS + 60,
      })
        .setProtectedHeader({ alg: "ES256", kid: "operator" })
        .sign(foreignKey.privateKey);
      for (const token of [
        await other.clientToken(),
        await other.forge({ iss: issuer.issuer }, { kid: issuer.key.kid }),
        await issuer.forge({ aud: "billing-of-another" }),
        await issuer.forge({ aud: [] }),
        await issuer.forge({ aud: [`${issuer.audience} `, issuer.audience.toUpperCase()] }),
        await issuer.forge({ iss: `${issuer.issuer}/` }),
        await signToken("a", "superadmin", {}, "the-secret-of-another-sovereign-0000"),
        await operated,
      ]) {
        expect(await askWith(token)).toEqual(INVALID);
      }
    } finally {
      await other.close();
    }
  });
});
