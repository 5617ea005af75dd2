import { describe, expect, it } from "vitest";
import { hostRule } from "../../../../src/admission/rules/host.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";

const facts = {
  sovereignHosts: new Map([
    ["billing.omantel.omani.works", "omantel"],
    ["zero.catalyst.example", "catalyst-zero"],
  ]),
};
const request = (
  group: string,
  resource: string,
  spec: object,
  change: Partial<AdmissionInput> = {},
): AdmissionInput => ({
  ...{ operation: "CREATE", group, resource, subresource: "", name: "omantel", namespace: "shop" },
  user: { username: "eve", groups: [] },
  object: { spec } as ReviewedObject,
  oldObject: undefined,
  ...change,
});
const NETWORKING = "networking.k8s.io";
const GATEWAY = "gateway.networking.k8s.io";

describe("hostRule", () => {
  it.each<[string, AdmissionInput, string]>([
    [
      "an Ingress",
      request(NETWORKING, "ingresses", { rules: [{ host: "Zero.catalyst.example" }] }),
      "spec.rules[0].host",
    ],
    [
      "an alias",
      request(
        NETWORKING,
        "ingresses",
        {},
        {
          object: {
            metadata: {
              annotations: { "nginx.ingress.kubernetes.io/server-alias": "a.example, zero.catalyst.example" },
            },
          },
        },
      ),
      "metadata.annotations[nginx.ingress.kubernetes.io/server-alias]",
    ],
    [
      "an older Ingress",
      request("extensions", "ingresses", { rules: [{ host: "zero.catalyst.example" }] }),
      "spec.rules[0].host",
    ],
    [
      "a wildcard",
      request(NETWORKING, "ingresses", { rules: [{}, { host: "*.omantel.omani.works" }] }),
      "spec.rules[1].host",
    ],
    [
      "a certificate",
      request(NETWORKING, "ingresses", { tls: [{ hosts: ["a.b", "zero.catalyst.example"] }] }),
      "spec.tls[0].hosts[1]",
    ],
    [
      "a Gateway",
      request(GATEWAY, "gateways", { listeners: [{ hostname: "*.omani.works" }] }),
      "spec.listeners[0].hostname",
    ],
    [
      "an HTTPRoute",
      request(GATEWAY, "httproutes", { hostnames: ["zero.catalyst.example"] }),
      "spec.hostnames[0]",
    ],
    [
      "another Sovereign's branding",
      request("catalyst.openova.io", "sovereigns", { branding: { hostname: "zero.catalyst.example" } }),
      "spec.branding.hostname",
    ],
  ])("refuses a Sovereign's host in %s", (_, input, path) => {
    expect(hostRule(input, facts)).toMatchObject([{ rule: "sovereign-host", path }]);
  });

  it.each<[string, AdmissionInput]>([
    ["a host of its own", request(NETWORKING, "ingresses", { rules: [{ host: "shop.example" }, {}] })],
    [
      "a host that only ends alike",
      request(NETWORKING, "ingresses", { rules: [{ host: "evilzero.catalyst.example" }] }),
    ],
    ["a wildcard beside it", request(NETWORKING, "ingresses", { rules: [{ host: "*.shop.example" }] })],
    [
      "a Sovereign's own host",
      request("catalyst.openova.io", "sovereigns", { branding: { hostname: "billing.omantel.omani.works" } }),
    ],
    ["a kind that serves no host", request("", "configmaps", { rules: [{ host: "zero.catalyst.example" }] })],
    ["malformed members", request(NETWORKING, "ingresses", { rules: "x", tls: [{ hosts: 7 }, null] })],
    ["a deletion", request(NETWORKING, "ingresses", {}, { operation: "DELETE", object: undefined })],
    [
      "what the object had before",
      request(
        NETWORKING,
        "ingresses",
        { rules: [{ host: "zero.catalyst.example" }] },
        {
          operation: "UPDATE",
          oldObject: { spec: { rules: [{ host: "zero.catalyst.example" }] } } as ReviewedObject,
        },
      ),
    ],
  ])("passes %s", (_, input) => {
    expect(hostRule(input, facts)).toEqual([]);
  });
});
