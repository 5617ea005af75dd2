import { describe, expect, it } from "vitest";
import { hostRule } from "../../../../src/admission/rules/host.ts";
import { HOST_ANNOTATION_SUFFIXES } from "../../../../src/admission/rules/host-annotation.ts";
import type { ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { creation, facts, request } from "../../../support/builder/admission-request.ts";

const known = facts({ sovereignHosts: new Map([["zero.example", "zero"]]) });
const INGRESSES = { group: "networking.k8s.io", resource: "ingresses" };
const pathsOf = (kind: string, object: ReviewedObject) => {
  const [resource = "", ...group] = kind.split(".");
  return hostRule(creation({ group: group.join("."), resource, object }), known).map(({ path }) => path);
};
const annotated = (name: string, value: string): ReviewedObject => ({
  metadata: { annotations: { [name]: value } },
});
const ALB = "alb.ingress.kubernetes.io/conditions.app";
const header = (...values: string[]) =>
  JSON.stringify([{ field: "host-header", hostHeaderConfig: { values } }]);

describe("hostRule, for aliases of an Ingress", () => {
  it.each([
    ["konghq.com/host-aliases", "a.example,zero.example"],
    ["appgw.ingress.kubernetes.io/hostname-extension", "a.example, ZERO.example"],
    ["haproxy-ingress.github.io/redirect-from", "zero.example"],
    ["haproxy-ingress.github.io/redirect-from-regex", "zero"],
    [ALB, header("a.example", "zero.example")],
    [ALB, header("*.example")],
    [ALB, '[{"FIELD":"Host-Header","HostHeaderConfig":{"values":["zero.example"]}}]'],
    [ALB, '[{"field":"host-header","hostHeaderConfig":{"regexValues":["zero"]}}]'],
    [ALB, '[{"field":"\\u0068ost-header","hostHe\\u0061derConfig":{"values":["zero.example"]}}]'],
  ])("refuses %s: %s", (name, value) =>
    expect(pathsOf("ingresses.networking.k8s.io", annotated(name, value))).toEqual([
      `metadata.annotations[${name}]`,
    ]),
  );

  it.each([
    ["konghq.com/host-aliases", "a.example"],
    ["konghq.com/host-aliases-of-others", "zero.example"],
    [ALB, header("a.example", "b.example")],
    [ALB, '[{"field":"path-pattern","pathPatternConfig":{"values":["/*"]}}]'],
    [ALB, '[{"field":"http-header","httpHeaderConfig":{"values":["zero.example"]}}]'],
    [
      ALB,
      '[{"field":"host-header","hostHeaderConfig":{"values":["a.example"]}},{"field":"path-pattern","x":["/*"]}]',
    ],
    ["alb.ingress.kubernetes.io/actions.app", header("zero.example")],
  ])("allows %s: %s", (name, value) =>
    expect(pathsOf("ingresses.networking.k8s.io", annotated(name, value))).toEqual([]),
  );
});

describe("hostRule, for kinds of more products", () => {
  it.each<[string, object, string]>([
    ["orders.acme.cert-manager.io", { dnsNames: ["zero.example"] }, "spec.dnsNames[0]"],
    [
      "orders.acme.cert-manager.io",
      { request: Buffer.from("0\u0082\u000czero.example", "latin1").toString("base64") },
      "spec.request",
    ],
    ["challenges.acme.cert-manager.io", { dnsName: "zero.example" }, "spec.dnsName"],
    [
      "apisixroutes.apisix.apache.org",
      { http: [{ match: { hosts: ["a.example"] } }, {}] },
      "spec.http[1].match.hosts",
    ],
    ["virtualservices.gateway.solo.io", { virtualHost: {} }, "spec.virtualHost.domains"],
    ["routegroups.zalando.org", {}, "spec.hosts"],
    [
      "gateways.gateway.networking.k8s.io",
      { infrastructure: { annotations: { "external-dns.alpha.kubernetes.io/hostname": "zero.example" } } },
      "spec.infrastructure.annotations[external-dns.alpha.kubernetes.io/hostname]",
    ],
  ])("refuses %s %j", (kind, spec, path) => expect(pathsOf(kind, { spec })).toEqual([path]));

  it.each<[string, object]>([
    ["orders.acme.cert-manager.io", { dnsNames: ["a.example"] }],
    ["apisixroutes.apisix.apache.org", { stream: [{}] }],
    ["virtualservices.gateway.solo.io", { virtualHost: { domains: ["a.example"] } }],
    ["virtualservices.gateway.solo.io", { sslConfig: {} }],
    ["routegroups.zalando.org", { hosts: ["a.example"] }],
    ["gateways.gateway.networking.k8s.io", { infrastructure: { annotations: { a: "zero.example" } } }],
  ])("allows %s %j", (kind, spec) => expect(pathsOf(kind, { spec })).toEqual([]));

  it("does not count every host as known in an update, unless the object had it", () => {
    const update = (before: object, after: object) =>
      hostRule(
        request({
          group: "zalando.org",
          resource: "routegroups",
          oldObject: { spec: before },
          object: { spec: after },
        }),
        known,
      ).length;
    expect(update({ hosts: ["a.example"] }, {})).toBe(1);
    expect(update({}, { routes: [] })).toBe(0);
    expect(hostRule(creation({ ...INGRESSES, object: { spec: {} } }), known)).toEqual([]);
  });
});

describe("hostRule, for Pods in a custom kind", () => {
  it("judges the annotations beside each specification, whatever the name of the member", () => {
    const hidden = { annotations: { "external-dns.alpha.kubernetes.io/hostname": "zero.example" } };
    const containers = [{ name: "a" }];
    const pod = { containers, metadata: { annotations: {} }, spec: { containers } };
    expect(pathsOf("widgets.example.org", { spec: { metadata: hidden, pod } })).toEqual([
      "spec.metadata.annotations[external-dns.alpha.kubernetes.io/hostname]",
    ]);
  });
});

describe("HOST_ANNOTATION_SUFFIXES", () => {
  it.each([
    ...["external-dns.alpha.kubernetes.io/hostname", "external-dns.alpha.kubernetes.io/internal-hostname"],
    ...["cert-manager.io/common-name", "cert-manager.io/alt-names", "getambassador.io/config"],
    ...["nginx.ingress.kubernetes.io/server-alias", "haproxy-ingress.github.io/server-alias-regex"],
  ])("has the end of %s, so that the webhook is called for it", (name) =>
    expect(HOST_ANNOTATION_SUFFIXES.some((suffix) => name.endsWith(suffix))).toBe(true),
  );
});
