import { describe, expect, it } from "vitest";
import { type HostFacts, hostRule } from "../../../../src/admission/rules/host.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import {
  annotated,
  CERTIFICATES,
  DNS,
  facts,
  GATEWAY,
  ISTIO,
  NETWORKING,
  request,
  signingRequest,
  TRAEFIK,
  ZERO,
} from "../../../support/builder/host-request.ts";

describe("hostRule, where a host is no claim", () => {
  it.each<[string, AdmissionInput]>([
    ["a host of its own", request(NETWORKING, "ingresses", { rules: [{ host: "shop.example" }] })],
    ["a default backend", request(NETWORKING, "ingresses", { defaultBackend: { service: { name: "a" } } })],
    [
      "a route without hostnames at a Gateway of its own",
      request(GATEWAY, "httproutes", { parentRefs: [{ name: "a" }, { name: "b", namespace: "shop" }] }),
    ],
    [
      "a route with hostnames at a shared Gateway",
      request(GATEWAY, "httproutes", {
        hostnames: ["shop.example"],
        parentRefs: [{ name: "a", namespace: "infra" }],
      }),
    ],
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
    [
      "a redirect to it",
      request(GATEWAY, "httproutes", { rules: [{ filters: [{ requestRedirect: { hostname: ZERO } }] }] }),
    ],
    [
      "a destination",
      request(ISTIO, "virtualservices", { http: [{ route: [{ destination: { host: ZERO } }] }] }),
    ],
    ["a client's rule for it", request(ISTIO, "destinationrules", { host: ZERO })],
    [
      "a header to match",
      request(GATEWAY, "httproutes", {
        rules: [{ matches: [{ headers: [{ name: "host", value: ZERO }] }] }],
      }),
    ],
    ["a Service of one's own", request(ISTIO, "virtualservices", { hosts: ["shop.shop.svc.cluster.local"] })],
    [
      "a router for a host of its own",
      request(TRAEFIK, "ingressroutes", { routes: [{ match: "Host(`shop.example`) && PathPrefix(`/`)" }] }),
    ],
    ["a match of another group", request("example.org", "widgets", { match: "PathPrefix(`/`)" })],
    [
      "a signing request for a longer name",
      request(CERTIFICATES, "certificaterequests", { request: signingRequest(`my${ZERO}`) }),
    ],
    [
      "an annotation of another meaning",
      request("", "services", {}, annotated("example.org/hostname", ZERO)),
    ],
    [
      "the Sovereign's own name in a connection",
      request("", "pods", {}, { operation: "CONNECT", subresource: "exec" }),
    ],
    ["malformed members", request(NETWORKING, "ingresses", { rules: "x", tls: [{ hosts: 7 }, null] })],
    [
      "a name that is a host, of a kind whose name serves none",
      request(NETWORKING, "ingresses", {}, { object: { metadata: { name: ZERO }, spec: {} } }),
    ],
    [
      "a text in base64 of a kind without signing requests",
      request(CERTIFICATES, "certificates", { request: signingRequest(ZERO) }),
    ],
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

  it("lets a Sovereign's own namespace claim the Sovereign's hosts, and no others", () => {
    const place: HostFacts["place"] = { kind: "sovereign", namespace: "s", sovereign: "catalyst-zero" };
    const both = { rules: [{ host: ZERO }, { host: "billing.omantel.omani.works" }] };
    expect(hostRule(request(NETWORKING, "ingresses", both), { ...facts, place })).toEqual([
      {
        rule: "sovereign-host",
        path: "spec.rules[1].host",
        message: "host billing.omantel.omani.works is served by a Sovereign; choose another host name",
      },
    ]);
  });

  it("judges the annotations of a Sovereign", () => {
    const sovereign = request("catalyst.openova.io", "sovereigns", {}, annotated(DNS, ZERO));
    expect(hostRule(sovereign, facts).map(({ path }) => path)).toEqual([`metadata.annotations[${DNS}]`]);
  });

  it("judges the hosts of each product's members", () => {
    for (const member of ["domainName", "hostAliases"])
      expect(hostRule(request("cis.f5.com", "virtualservers", { [member]: ZERO }), facts)).toHaveLength(1);
  });

  it("says why a pattern or a Service's name is refused", () => {
    const messages = ["*", "a.sovereign-zero.svc"].map(
      (host) => hostRule(request(ISTIO, "virtualservices", { hosts: [host] }), facts)[0]?.message,
    );
    expect(messages).toEqual([
      "* also matches the hosts of Sovereigns; name your hosts one by one, in full",
      "host a.sovereign-zero.svc is that of a Service in a namespace that is not yours; choose another host name",
    ]);
  });

  it("counts more hosts, or more patterns, than it compares as a claim of every host", () => {
    const hosts = Array.from({ length: 501 }, (_, index) => `a${index}.shop.example`);
    expect(hostRule(request(CERTIFICATES, "certificates", { dnsNames: hosts.slice(1) }), facts)).toEqual([]);
    expect(hostRule(request(CERTIFICATES, "certificates", { dnsNames: hosts }), facts)).toEqual([
      {
        rule: "sovereign-host",
        path: "spec",
        message:
          "an object with more than 500 hosts also matches the hosts of Sovereigns; name your hosts one by one, in full",
      },
    ]);
    expect(
      hostRule(request(CERTIFICATES, "certificates", { dnsNames: hosts.with(400, ZERO) }), facts).map(
        ({ path }) => path,
      ),
    ).toEqual(["spec.dnsNames[400]", "spec"]);
    const patterns = Array.from({ length: 21 }, (_, index) => `a${index}.*`);
    expect(hostRule(request(ISTIO, "virtualservices", { hosts: patterns.slice(1) }), facts)).toEqual([]);
    expect(hostRule(request(ISTIO, "virtualservices", { hosts: patterns }), facts)).toMatchObject([
      { path: "spec.hosts[20]" },
    ]);
  });

  it("refuses a request for a certificate that is too long to read", () => {
    const long = { request: "A".repeat(64 * 1024 + 1) };
    expect(hostRule(request(CERTIFICATES, "certificaterequests", long), facts)).toMatchObject([
      { path: "spec.request" },
    ]);
  });
});
