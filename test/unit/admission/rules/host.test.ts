import { describe, expect, it } from "vitest";
import { type HostFacts, hostRule } from "../../../../src/admission/rules/host.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";

const facts: HostFacts = {
  place: { kind: "ordinary", namespace: "shop" },
  isForeignNamespace: (name) => name === "sovereign-zero",
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
const ISTIO = "networking.istio.io";
const TRAEFIK = "traefik.io";
const ZERO = "zero.catalyst.example";
const annotated = (annotation: string, value: string, spec: object = {}): Partial<AdmissionInput> => ({
  object: { metadata: { annotations: { [annotation]: value } }, spec },
});
const DNS = "external-dns.alpha.kubernetes.io/hostname";
const CERTIFICATES = "cert-manager.io";
/** DER with one name, in a PEM block, as cert-manager's kind holds it. */
const signingRequest = (name: string) => {
  const der = Buffer.concat([Buffer.from([0x30, 0x82, name.length]), Buffer.from(name, "latin1")]);
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`;
  return Buffer.from(pem).toString("base64");
};

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

  it("says why a pattern or a Service's name is refused", () => {
    const messages = ["*", "a.sovereign-zero.svc"].map(
      (host) => hostRule(request(ISTIO, "virtualservices", { hosts: [host] }), facts)[0]?.message,
    );
    expect(messages).toEqual([
      "* also matches the hosts of Sovereigns; name your hosts one by one, in full",
      "host a.sovereign-zero.svc is that of a Service in a namespace that is not yours; choose another host name",
    ]);
  });

  it("takes more hosts, or more patterns, than it compares as a claim of every host", () => {
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
