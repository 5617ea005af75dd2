import { exportJWK, generateKeyPair, type JSONWebKeySet, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { createTokenVerifier, type TokenSettings } from "../../../../src/billing/auth/token.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { FQDN, JWT_SECRET, signToken } from "../../../support/builder/billing.ts";

const REFUSED = { code: "token_invalid", message: "the token is not valid here: sign in again" };

function createVerifier(settings: Partial<TokenSettings>, operatorKeys?: () => JSONWebKeySet | undefined) {
  const verify = createTokenVerifier({
    settings: { sovereignFqdn: FQDN, ...settings },
    operatorKeys: operatorKeys ?? (() => undefined),
    now: () => new Date(),
    logger: createLogger("test", "silent"),
  });
  return (token: string) => verify(`Bearer ${token}`);
}

/** A new key of an operator: its document, and its tokens. */
async function createSigner() {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwks: JSONWebKeySet = { keys: [{ ...(await exportJWK(publicKey)), alg: "ES256", kid: "operator" }] };
  const sign = (claims: JWTPayload = {}) =>
    new SignJWT({ iss: "catalyst-operator", aud: FQDN, sub: "operator", ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "operator" })
      .setIssuedAt()
      .setExpirationTime("5m")
      .sign(privateKey);
  return { jwks, sign };
}

describe("a token verifier", () => {
  it.each(["", "x".repeat(31), "ß".repeat(15)])("refuses the short secret '%s'", (jwtSecret) => {
    expect(() => createVerifier({ jwtSecret })).toThrow("at least 32 bytes");
  });

  it("counts the bytes of the secret, not its characters", () => {
    expect(() => createVerifier({ jwtSecret: "ß".repeat(16) })).not.toThrow();
  });

  it("refuses every HS256 token when no secret is set", async () => {
    await expect(createVerifier({})(await signToken("ali"))).rejects.toMatchObject({
      code: "token_invalid",
      message: "this Sovereign does not accept HS256 tokens: sign in again",
    });
  });

  it("refuses every public-key token when neither an issuer nor the operator's keys are known", async () => {
    const { sign } = await createSigner();
    const verify = createVerifier({ jwtSecret: JWT_SECRET });
    await expect(verify(await sign())).rejects.toMatchObject(REFUSED);
    await expect(verify(await sign({ iss: "https://id" }))).rejects.toMatchObject(REFUSED);
    expect(await verify(await signToken("ali"))).toMatchObject({ userId: "ali", issuer: "shared-secret" });
  });

  it("accepts the operator's token only while its key is known", async () => {
    const [old, next] = [await createSigner(), await createSigner()];
    let known: JSONWebKeySet | undefined = old.jwks;
    const verify = createVerifier({}, () => known);
    const token = await old.sign();
    expect(await verify(token)).toMatchObject({ userId: "operator", issuer: "operator" });
    known = next.jwks;
    await expect(verify(token)).rejects.toMatchObject(REFUSED);
    expect(await verify(await next.sign())).toMatchObject({ userId: "operator" });
    known = undefined;
    await expect(verify(await next.sign())).rejects.toMatchObject(REFUSED);
  });

  it("refuses a token above 16 KiB, also a valid one", async () => {
    const { jwks, sign } = await createSigner();
    const verify = createVerifier({}, () => jwks);
    expect(await verify(await sign({ note: "x".repeat(11_000) }))).toMatchObject({ userId: "operator" });
    await expect(verify(await sign({ note: "x".repeat(13_000) }))).rejects.toMatchObject(REFUSED);
  });
});
