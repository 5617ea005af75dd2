import { describe, expect, it } from "vitest";
import { hostRule } from "../../../../src/admission/rules/host.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
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
      "an Ingress without a host",
      request(NETWORKING, "ingresses", { rules: [{ http: {} }] }),
      "spec.rules[0].host",
    ],
    [
      "an older Ingress with an empty host",
      request("extensions", "ingresses", { rules: [{ host: "a.example" }, { host: "" }] }),
      "spec.rules[1].host",
    ],
    ...["httproutes", "grpcroutes", "tlsroutes"].map((resource): [string, AdmissionInput, string] => [
      `${resource} without hostnames at a shared Gateway`,
      request(GATEWAY, resource, { parentRefs: [{ name: "own" }, { name: "shared", namespace: "infra" }] }),
      "spec.hostnames",
    ]),
    [
      "a wildcard",
      request(NETWORKING, "ingresses", { rules: [{ host: "a.b" }, { host: "*.omantel.omani.works" }] }),
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
    [
      "a TLSRoute in upper case with a last dot",
      request(GATEWAY, "tlsroutes", { hostnames: ["ZERO.catalyst.example."] }),
      "spec.hostnames[0]",
    ],
    [
      "full-width letters",
      request(NETWORKING, "ingresses", { rules: [{ host: "ｚero.catalyst.example" }] }),
      "spec.rules[0].host",
    ],
    [
      "a Certificate",
      request(CERTIFICATES, "certificates", { dnsNames: ["a.b", "*.catalyst.example"] }),
      "spec.dnsNames[1]",
    ],
    [
      "a Certificate's common name",
      request(CERTIFICATES, "certificates", { commonName: ZERO }),
      "spec.commonName",
    ],
    [
      "a Certificate's subject",
      request(CERTIFICATES, "certificates", { literalSubject: `O=x,cn=${ZERO}` }),
      "spec.literalSubject",
    ],
    [
      "a certificate signing request",
      request(CERTIFICATES, "certificaterequests", { request: signingRequest(ZERO) }),
      "spec.request",
    ],
    [
      "a certificate signing request for a wildcard",
      request(CERTIFICATES, "certificaterequests", { request: signingRequest("*.Catalyst.example") }),
      "spec.request",
    ],
    [
      "an Ingress that asks cert-manager for more names",
      request(NETWORKING, "ingresses", {}, annotated("cert-manager.io/alt-names", `a.b,${ZERO}`)),
      "metadata.annotations[cert-manager.io/alt-names]",
    ],
    [
      "a DNSEndpoint",
      request("externaldns.k8s.io", "dnsendpoints", { endpoints: [{ dnsName: ZERO }] }),
      "spec.endpoints[0].dnsName",
    ],
    ["an OpenShift Route", request("route.openshift.io", "routes", { host: ZERO }), "spec.host"],
    [
      "a Contour HTTPProxy",
      request("projectcontour.io", "httpproxies", { virtualhost: { fqdn: ZERO } }),
      "spec.virtualhost.fqdn",
    ],
    [
      "an Istio Gateway",
      request(ISTIO, "gateways", { servers: [{}, { hosts: [`*/${ZERO}`] }] }),
      "spec.servers[1].hosts[0]",
    ],
    ["an Istio ServiceEntry", request(ISTIO, "serviceentries", { hosts: [ZERO] }), "spec.hosts[0]"],
    ["every host", request(ISTIO, "virtualservices", { hosts: ["*"] }), "spec.hosts[0]"],
    [
      "a Service of a Sovereign",
      request(ISTIO, "virtualservices", { hosts: ["billing.sovereign-zero.svc.cluster.local"] }),
      "spec.hosts[0]",
    ],
    ["all Services", request(ISTIO, "virtualservices", { hosts: ["*.cluster.local"] }), "spec.hosts[0]"],
    [
      "a Traefik router",
      request(TRAEFIK, "ingressroutes", { routes: [{ match: `Host(\`${ZERO}\`)` }] }),
      "spec.routes[0].match",
    ],
    [
      "a Traefik router that names no host",
      request(TRAEFIK, "ingressroutes", { routes: [{ match: "PathPrefix(`/`)" }] }),
      "spec.routes[0].match",
    ],
    [
      "a Knative DomainMapping",
      request("serving.knative.dev", "domainmappings", {}, { object: { metadata: { name: ZERO } } }),
      "metadata.name",
    ],
    [
      "a Service's DNS name",
      request("", "services", {}, annotated(DNS, `a.b,${ZERO}`)),
      `metadata.annotations[${DNS}]`,
    ],
    [
      "a DNS name of the Pods of a Deployment",
      request("apps", "deployments", {
        template: {
          metadata: { annotations: { [DNS]: ZERO } },
          spec: { containers: [{ name: "app" }] },
        },
      }),
      `spec.template.metadata.annotations[${DNS}]`,
    ],
    [
      "an alias by pattern",
      request(NETWORKING, "ingresses", {}, annotated("nginx.ingress.kubernetes.io/server-alias", "~^zero")),
      "metadata.annotations[nginx.ingress.kubernetes.io/server-alias]",
    ],
    [
      "a host with www. that is also served without it",
      request(
        NETWORKING,
        "ingresses",
        {},
        annotated("nginx.ingress.kubernetes.io/from-to-www-redirect", "true", {
          rules: [{ host: `www.${ZERO}` }],
        }),
      ),
      "spec.rules[0].host",
    ],
  ])("refuses a Sovereign's host in %s", (_, input, path) => {
    expect(hostRule(input, facts)).toMatchObject([{ rule: "sovereign-host", path }]);
  });

  it("refuses a host that a write of an Ingress's status adds by an annotation", () => {
    const redirect = { "nginx.ingress.kubernetes.io/from-to-www-redirect": "true" };
    const spec = { rules: [{ host: `www.${ZERO}` }] };
    const change = { operation: "UPDATE", subresource: "status", oldObject: { spec } } as const;
    const object = { metadata: { annotations: redirect }, spec };
    expect(hostRule(request(NETWORKING, "ingresses", spec, { ...change, object }), facts)).toMatchObject([
      { rule: "sovereign-host", path: "spec.rules[0].host" },
    ]);
    expect(hostRule(request(NETWORKING, "ingresses", spec, change), facts)).toEqual([]);
  });

  it.each([
    ...["host", "hosts", "hostname", "hostnames", "fqdn", "domain", "domains", "sni", "snis", "sniHosts"],
    ...["dnsName", "dnsNames", "commonName", "serverName", "serverNames", "main", "sans"],
  ])("refuses a Sovereign's host in the member %s, also in a list", (member) => {
    for (const [value, at] of [
      [ZERO, ""],
      [["a.example", ZERO], "[1]"],
    ])
      expect(
        hostRule(request("projectcontour.io", "httpproxies", { a: { [member]: value } }), facts),
      ).toMatchObject([{ rule: "sovereign-host", path: `spec.a.${member}${at}` }]);
  });

  it.each([
    ...[
      "backend",
      "backends",
      "backendRefs",
      "destination",
      "destinations",
      "mirror",
      "mirrors",
      "upstreams",
    ],
    ...["redirect", "requestRedirect", "rewrite", "urlRewrite", "headers", "filters", "validation"],
  ])("allows a Sovereign's host below %s", (member) => {
    const spec = { hosts: ["a.example"], [member]: [{ host: ZERO, hosts: [ZERO] }] };
    expect(hostRule(request("projectcontour.io", "httpproxies", spec), facts)).toEqual([]);
  });
});
