import { describe, expect, it } from "vitest";
import { createClientAddress } from "../../../src/billing/http/limit/client-address.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { manifestProblems } from "../../support/builder/manifest.ts";

function problemsOf(entry: string): unknown[] {
  const { billing } = sovereign("one").spec;
  const ingress = { host: "one.example", trustedProxies: [entry] };
  return manifestProblems(sovereign("one", { billing: { ...billing, ingress } }));
}

describe("billing.ingress.trustedProxies", () => {
  it.each([
    "10.0.0.1",
    "10.42.0.0/16",
    "0.0.0.0/0",
    "255.255.255.255/32",
    "::1",
    "2001:db8::/32",
    "::ffff:10.0.0.1",
  ])("takes %s, and billing does", (entry) => {
    expect(problemsOf(entry)).toEqual([]);
    expect(() => createClientAddress([entry])).not.toThrow();
  });

  it.each([
    "",
    "ingress.example",
    "10.0.0",
    "10.0.0.256",
    "10.0.0.1/33",
    "10.0.0.1/",
    "01.2.3.4",
    "2001:db8::/129",
    "10.0.0.1,10.0.0.2",
    "*",
  ])("refuses %j", (entry) => {
    expect(problemsOf(entry)).not.toEqual([]);
  });
});
