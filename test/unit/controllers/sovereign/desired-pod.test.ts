import { describe, expect, it } from "vitest";
import { billingEnvironment } from "../../../../src/controllers/sovereign/desired-pod.ts";
import { desiredWorkload } from "../../../../src/controllers/sovereign/desired-workload.ts";
import { IMAGE, sovereign } from "../../../support/builder/catalyst-object.ts";

const variable = (name: string, ...args: Parameters<typeof billingEnvironment>) =>
  billingEnvironment(...args).find((it) => it.name === name)?.value;

describe("billing's environment", () => {
  it("lets Pods serve on for ten seconds, or as long as the operator is told", () => {
    expect(variable("DRAIN_SECONDS", sovereign("one"))).toBe("10");
    expect(variable("DRAIN_SECONDS", sovereign("one"), 45)).toBe("45");
  });

  it.each([0, 10, 300])("leaves a Pod that drains for %i seconds the time to end", (drainSeconds) => {
    const [deployment] = desiredWorkload(sovereign("one"), IMAGE, undefined, drainSeconds);
    const { spec } = (deployment as unknown as { spec: { template: { spec: Record<string, unknown> } } }).spec
      .template;
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds + 10);
    expect(JSON.stringify(spec.containers)).toContain(`{"name":"DRAIN_SECONDS","value":"${drainSeconds}"}`);
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
