import { describe, expect, it } from "vitest";
import { readBillingSettings } from "../../../src/billing/settings.ts";
import { createEnvReader } from "../../../src/platform/env.ts";
import { UsageError } from "../../../src/platform/errors.ts";

const MINIMAL = {
  DATABASE_URL: "postgres://billing@127.0.0.1/billing",
  SOVEREIGN_FQDN: "omantel.omani.works",
  OPERATOR_JWKS_FILE: "/etc/catalyst/operator-jwks.json",
};
const OIDC = { OIDC_ISSUER: "https://id.omantel.om/realms/sme", OIDC_AUDIENCE: "billing" };
const read = (env: Record<string, string>) => readBillingSettings(createEnvReader({ ...MINIMAL, ...env }));

describe("readBillingSettings", () => {
  it("reads the minimum of a Sovereign, and sets the defaults of the rest", () => {
    expect(read({})).toMatchObject({
      token: { sovereignFqdn: "omantel.omani.works" },
      catalogUrl: undefined,
      adminSignIn: undefined,
      redpandaBrokers: [],
      previewLimits: { perMinute: 60, missesPerMinute: 10 },
      issueLimit: 120,
      maxConnections: 10,
      payment: { fixedKeys: undefined },
    });
  });

  it("reads an issuer, the URL of its keys and the administrators' client", () => {
    const { token, adminSignIn } = read({
      ...OIDC,
      OIDC_JWKS_URL: "https://id/jwks",
      OIDC_CLIENT_ID: "admin",
    });
    expect(token.oidc).toEqual({
      issuer: OIDC.OIDC_ISSUER,
      audience: "billing",
      jwksUrl: "https://id/jwks",
    });
    expect(adminSignIn).toEqual({ issuer: OIDC.OIDC_ISSUER, clientId: "admin" });
  });

  it("reads brokers with and without a port", () => {
    const brokers = ["a:9092", "broker-1.redpanda:31092", "b", "[fd00::2]:9092", "[::1]"];
    expect(read({ REDPANDA_BROKERS: brokers.join(", ") }).redpandaBrokers).toEqual(brokers);
  });

  it.each<[Record<string, string>, string]>([
    [{ SOVEREIGN_FQDN: "" }, "SOVEREIGN_FQDN is required"],
    [
      { OPERATOR_JWKS_FILE: "" },
      "no token can be verified: set OIDC_ISSUER and OIDC_AUDIENCE, JWT_SECRET, or",
    ],
    [{ JWT_SECRET: "x".repeat(31) }, "JWT_SECRET must have at least 32 bytes"],
    [
      { OIDC_ISSUER: "https://id" },
      "OIDC_ISSUER and OIDC_AUDIENCE must be set together: set both, or neither",
    ],
    [
      { OIDC_AUDIENCE: "billing" },
      "OIDC_ISSUER and OIDC_AUDIENCE must be set together: set both, or neither",
    ],
    [{ OIDC_CLIENT_ID: "admin" }, "OIDC_CLIENT_ID requires OIDC_ISSUER"],
    [{ OIDC_CA_FILE: "/ca.pem" }, "OIDC_CA_FILE requires OIDC_ISSUER: set both, or leave OIDC_CA_FILE out"],
    [{ ...OIDC, OIDC_JWKS_URL: "ftp://id/jwks" }, "OIDC_JWKS_URL must be an http or https URL"],
    [
      { ...OIDC, OIDC_ISSUER: "id.omantel.om", OIDC_CLIENT_ID: "admin" },
      "OIDC_ISSUER must be an http or https URL",
    ],
    [{ CATALOG_URL: "https://c", CATALOG_FILE: "/c" }, "CATALOG_URL and CATALOG_FILE are both set: keep one"],
    [{ CATALOG_URL: "c" }, "CATALOG_URL must be an http or https URL"],
    [{ TENANT_URL: "file:///etc" }, "TENANT_URL must be an http or https URL"],
    [{ REDPANDA_BROKERS: "fd00::2" }, "with IPv6 addresses in brackets"],
    [{ REDPANDA_BROKERS: "[fd00:::2]:9092" }, "with IPv6 addresses in brackets"],
    [{ REDPANDA_BROKERS: "[a]:9092" }, "with IPv6 addresses in brackets"],
    [{ REDPANDA_BROKERS: "a:0" }, "REDPANDA_BROKERS must be a list of host:port"],
    [{ REDPANDA_BROKERS: "a:65536" }, "REDPANDA_BROKERS must be a list of host:port"],
    [{ REDPANDA_BROKERS: "kafka://a:9092" }, "REDPANDA_BROKERS must be a list of host:port"],
    [{ REDPANDA_BROKERS: "a b" }, "REDPANDA_BROKERS must be a list of host:port"],
    [{ DATABASE_MAX_CONNECTIONS: "0" }, "DATABASE_MAX_CONNECTIONS must be a whole number from 1 to 200"],
    [{ PREVIEW_LIMIT: "-1" }, "PREVIEW_LIMIT must be a whole number"],
    [
      { STRIPE_WEBHOOK_SECRET: "whsec_x" },
      "STRIPE_WEBHOOK_SECRET requires STRIPE_SECRET_KEY: set both, or neither",
    ],
    [
      { STRIPE_SECRET_KEY: "pk_live_x" },
      "STRIPE_SECRET_KEY must be a secret key, which begins with sk_ or rk_",
    ],
    [
      { STRIPE_SECRET_KEY: "sk_live_x", STRIPE_WEBHOOK_SECRET: "sk_live_x" },
      "STRIPE_WEBHOOK_SECRET must be a webhook secret, which begins with whsec_",
    ],
    [
      { STRIPE_SECRET_KEY: "sk_live_x", STRIPE_PUBLIC_KEY: "sk_live_x" },
      "STRIPE_PUBLIC_KEY must be a publishable key, which begins with pk_",
    ],
    [{ SETTINGS_KEY: "short" }, "SETTINGS_KEY must have at least 32 bytes"],
    [{ CURRENCY: "omr" }, "CURRENCY must be the ISO 4217 code of a currency in use"],
    [{ CURRENCY: "XYZ" }, "CURRENCY must be the ISO 4217 code of a currency in use"],
    [{ CURRENCY: "DEM" }, "CURRENCY must be the ISO 4217 code of a currency in use"],
  ])("refuses %j, and names the variable and the remedy", (env, message) => {
    expect(() => read(env)).toThrow(UsageError);
    expect(() => read(env)).toThrow(message);
  });

  it("repeats no secret in an error", () => {
    expect(() => read({ JWT_SECRET: "hunter2" })).toThrow(
      expect.not.objectContaining({ message: /hunter2/ }),
    );
  });
});
