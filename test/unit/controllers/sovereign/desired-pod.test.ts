import { describe, expect, it } from "vitest";
import { billingEnvironment } from "../../../../src/controllers/sovereign/desired-pod.ts";
import { desiredWorkload } from "../../../../src/controllers/sovereign/desired-workload.ts";
import { IMAGE, sovereign } from "../../../support/builder/catalyst-object.ts";

const variable = (name: string, ...args: Parameters<typeof billingEnvironment>) =>
  billingEnvironment(...args).find((it) => it.name === name)?.value;

describe("billing's environment", () => {
  it("drains Pods for ten seconds, or for the configured time", () => {
    expect(variable("DRAIN_SECONDS", sovereign("one"))).toBe("10");
    expect(variable("DRAIN_SECONDS", sovereign("one"), 45)).toBe("45");
  });

  it.each([0, 10, 300])("leaves a Pod that drains for %i seconds the time to end", (drainSeconds) => {
    const [deployment] = desiredWorkload(sovereign("one"), IMAGE, undefined, { drainSeconds });
    const { spec } = (deployment as unknown as { spec: { template: { spec: Record<string, unknown> } } }).spec
      .template;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds + 10);
    expect(JSON.stringify(spec.containers)).toContain(`{"name":"DRAIN_SECONDS","value":"${drainSeconds}"}`);
  });

  it("signs in by an OIDC issuer, with the page's client if the spec names one", () => {
    const { billing } = sovereign("one").spec;
    const auth = { issuer: "https://id.example", audience: "one.example" };
    const withIssuer = sovereign("one", { billing: { ...billing, auth } });
    expect(variable("OIDC_ISSUER", withIssuer)).toBe("https://id.example");
    expect(variable("OIDC_AUDIENCE", withIssuer)).toBe("one.example");
    expect(billingEnvironment(withIssuer).map(({ name }) => name)).not.toContain("OIDC_CLIENT_ID");
    expect(billingEnvironment(withIssuer).map(({ name }) => name)).not.toContain("JWT_SECRET");
    const withClient = sovereign("one", { billing: { ...billing, auth: { ...auth, clientId: "page" } } });
    expect(variable("OIDC_CLIENT_ID", withClient)).toBe("page");
    expect(billingEnvironment(withClient).map(({ name }) => name)).not.toContain("OIDC_CA_FILE");
    const caCertificateRef = { kind: "ConfigMap", name: "ca", key: "ca.crt" } as const;
    const withCa = sovereign("one", { billing: { ...billing, auth: { ...auth, caCertificateRef } } });
    expect(variable("OIDC_CA_FILE", withCa)).toBe("/etc/catalyst/issuer-ca.pem");
    expect(billingEnvironment(sovereign("one")).map(({ name }) => name)).not.toContain("OIDC_ISSUER");
  });

  it("refers to Stripe's keys; only the public one is optional", () => {
    const { billing } = sovereign("one").spec;
    const paid = sovereign("one", { billing: { ...billing, payments: { secretRef: { name: "stripe" } } } });
    const of = (name: string) => billingEnvironment(paid).find((it) => it.name === name)?.valueFrom;
    expect(of("STRIPE_SECRET_KEY")).toEqual({ secretKeyRef: { name: "stripe", key: "secret-key" } });
    expect(of("STRIPE_WEBHOOK_SECRET")).toEqual({ secretKeyRef: { name: "stripe", key: "webhook-secret" } });
    expect(of("STRIPE_PUBLIC_KEY")).toEqual({
      secretKeyRef: { name: "stripe", key: "public-key", optional: true },
    });
  });

  it("publishes events to the brokers that the manifest names", () => {
    const { billing } = sovereign("one").spec;
    const events = { brokers: ["a:9092", "b:9092"] };
    const announced = sovereign("one", { billing: { ...billing, events } });
    expect(variable("REDPANDA_BROKERS", announced)).toBe("a:9092,b:9092");
  });

  it("passes the limits that the manifest sets, also 0, and leaves the others to billing", () => {
    const { billing } = sovereign("one").spec;
    const limited = (limits: typeof billing.limits) =>
      sovereign("one", { billing: { ...billing, ...(limits && { limits }) } });
    const limitsOf = (limits: typeof billing.limits) =>
      ["PREVIEW_LIMIT", "PREVIEW_MISS_LIMIT", "ISSUE_LIMIT"].map((name) => variable(name, limited(limits)));
    expect(limitsOf({ previewsPerMinute: 6_000, missesPerMinute: 600, issuesPerMinute: 0 })).toEqual([
      "6000",
      "600",
      "0",
    ]);
    expect(limitsOf({ missesPerMinute: 30 })).toEqual([undefined, "30", undefined]);
    expect(limitsOf(undefined)).toEqual([undefined, undefined, undefined]);
  });

  it("names the proxies that the Ingress trusts, and none otherwise", () => {
    const { billing } = sovereign("one").spec;
    const ingress = { host: "one.example", trustedProxies: ["10.42.0.0/16", "2001:db8::7"] };
    expect(variable("TRUSTED_PROXIES", sovereign("one", { billing: { ...billing, ingress } }))).toBe(
      "10.42.0.0/16,2001:db8::7",
    );
    expect(variable("TRUSTED_PROXIES", sovereign("one"))).toBeUndefined();
  });
});
