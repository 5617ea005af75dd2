import { describe, expect, it } from "vitest";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { creation, facts, request } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "sovereign-zero" });
const HOST = "billing.sovereign-zero.svc.cluster.local";
const SERVICE = (host = HOST) => `${host} is a Service in a namespace that is not yours; name another host`;
const NAMESPACE = "namespace sovereign-zero is not yours; name a namespace where you work";
const ADDRESS = (host: string) =>
  `${host} is an address, which may lead into the network of the client; write the name of a host`;
const RAW =
  "these configure the proxy that all tenants of a node share; use an Ingress or an HTTPRoute, or ask the platform team";

const kind = (name: string, spec: object, change: Partial<AdmissionInput> = {}) => {
  const [resource = "", ...group] = name.split(".");
  return creation({ group: group.join("."), resource, object: { spec }, ...change });
};
const violations = (...found: [path: string, message: string][]) =>
  found.map(([path, message]) => ({ rule: "ingress-annotation", path, message }));

const ROUTES = "virtualservices.networking.istio.io";
const ENTRIES = "serviceentries.networking.istio.io";
const WORKLOADS = "workloadentries.networking.istio.io";
const PROXIES = "httpproxies.projectcontour.io";
const F5 = "virtualservers.cis.f5.com";
const TRAEFIK = "traefikservices.traefik.io";
const ENVOY = "ciliumenvoyconfigs.cilium.io";

describe("ingressAnnotationRule, for fields of products", () => {
  it.each<[string, object, string, string]>([
    [
      ROUTES,
      { http: [{}, { route: [{}, { destination: { host: HOST } }] }] },
      "spec.http[1].route[1].destination.host",
      SERVICE(),
    ],
    [ROUTES, { http: [{ mirror: { host: HOST } }] }, "spec.http[0].mirror.host", SERVICE()],
    [
      ROUTES,
      { http: [{ mirrors: [{ destination: { host: "Billing.Sovereign-zero." } }] }] },
      "spec.http[0].mirrors[0].destination.host",
      SERVICE("billing.sovereign-zero"),
    ],
    [
      ROUTES,
      { http: [{ delegate: { name: "a", namespace: "sovereign-zero" } }] },
      "spec.http[0].delegate.namespace",
      NAMESPACE,
    ],
    [
      ROUTES,
      { tls: [{ route: [{ destination: { host: HOST } }] }] },
      "spec.tls[0].route[0].destination.host",
      SERVICE(),
    ],
    [
      ROUTES,
      { tcp: [{ route: [{ destination: { host: HOST } }] }] },
      "spec.tcp[0].route[0].destination.host",
      SERVICE(),
    ],
    [ENTRIES, { endpoints: [{}, { address: HOST }] }, "spec.endpoints[1].address", SERVICE()],
    [
      ENTRIES,
      { endpoints: [{ address: "2852039166" }] },
      "spec.endpoints[0].address",
      ADDRESS("169.254.169.254"),
    ],
    [
      ENTRIES,
      { endpoints: [{ address: " UNIX:///run/x" }] },
      "spec.endpoints[0].address",
      "a socket leads into the proxy itself; write the name of a host",
    ],
    [WORKLOADS, { address: "10.0.0.1" }, "spec.address", ADDRESS("10.0.0.1")],
    [WORKLOADS, { address: HOST }, "spec.address", SERVICE()],
    [PROXIES, { includes: [{ namespace: "sovereign-zero" }] }, "spec.includes[0].namespace", NAMESPACE],
    [
      PROXIES,
      { tcpproxy: { include: { namespace: "sovereign-zero" } } },
      "spec.tcpproxy.include.namespace",
      NAMESPACE,
    ],
    [
      PROXIES,
      { tcpproxy: { includes: { namespace: "sovereign-zero" } } },
      "spec.tcpproxy.includes.namespace",
      NAMESPACE,
    ],
    [
      PROXIES,
      { virtualhost: { authorization: { extensionRef: { namespace: "sovereign-zero" } } } },
      "spec.virtualhost.authorization.extensionRef.namespace",
      NAMESPACE,
    ],
    [
      PROXIES,
      { virtualhost: { jwtProviders: [{ remoteJWKS: { uri: `http://a@${HOST}:80/keys` } }] } },
      "spec.virtualhost.jwtProviders[0].remoteJWKS.uri",
      SERVICE(),
    ],
    [F5, { pools: [{ serviceNamespace: "sovereign-zero" }] }, "spec.pools[0].serviceNamespace", NAMESPACE],
    [
      F5,
      { pools: [{ alternateBackends: [{ serviceNamespace: "sovereign-zero" }] }] },
      "spec.pools[0].alternateBackends[0].serviceNamespace",
      NAMESPACE,
    ],
    [
      F5,
      { pools: [{ multiClusterServices: [{ namespace: "sovereign-zero" }] }] },
      "spec.pools[0].multiClusterServices[0].namespace",
      NAMESPACE,
    ],
    [
      F5,
      { defaultPool: { serviceNamespace: "sovereign-zero" } },
      "spec.defaultPool.serviceNamespace",
      NAMESPACE,
    ],
    [
      "transportservers.cis.f5.com",
      { pool: { serviceNamespace: "sovereign-zero" } },
      "spec.pool.serviceNamespace",
      NAMESPACE,
    ],
    ["policies.k8s.nginx.org", { jwt: { jwksURI: `https://${HOST}/keys` } }, "spec.jwt.jwksURI", SERVICE()],
    ["policies.k8s.nginx.org", { oidc: { jwksURI: `https://${HOST}` } }, "spec.oidc.jwksURI", SERVICE()],
    [
      "policies.k8s.nginx.org",
      { oidc: { tokenEndpoint: "http://[::1]/" } },
      "spec.oidc.tokenEndpoint",
      ADDRESS("[::1]"),
    ],
    [
      "ingressroutes.traefik.io",
      { routes: [{ services: [{ namespace: "sovereign-zero" }] }] },
      "spec.routes[0].services[0].namespace",
      NAMESPACE,
    ],
    [
      TRAEFIK,
      { weighted: { services: [{ namespace: "sovereign-zero" }] } },
      "spec.weighted.services[0].namespace",
      NAMESPACE,
    ],
    [TRAEFIK, { mirroring: { namespace: "sovereign-zero" } }, "spec.mirroring.namespace", NAMESPACE],
    [
      TRAEFIK,
      { mirroring: { mirrors: [{ namespace: "sovereign-zero" }] } },
      "spec.mirroring.mirrors[0].namespace",
      NAMESPACE,
    ],
    [ENVOY, { services: [{ namespace: "sovereign-zero" }] }, "spec.services[0].namespace", NAMESPACE],
    [
      ENVOY,
      { backendServices: [{ namespace: "sovereign-zero" }] },
      "spec.backendServices[0].namespace",
      NAMESPACE,
    ],
    [ENVOY, { resources: [{ name: "node" }] }, "spec.resources", RAW],
    ["mappings.getambassador.io", { service: `${HOST}:8085` }, "spec.service", SERVICE()],
  ])("refuses in %s %j", (name, spec, path, message) => {
    expect(ingressAnnotationRule(kind(name, spec), known)).toEqual(violations([path, message]));
  });

  it.each<[string, object]>([
    [ROUTES, { http: [{ route: [{ destination: { host: "billing" } }], delegate: { namespace: "shop" } }] }],
    [ROUTES, { http: [{ route: [{ destination: { host: "10.0.0.1" } }], redirect: { authority: HOST } }] }],
    [ROUTES, { http: "x", tls: [null], tcp: [{ route: { destination: { host: HOST } } }] }],
    [ENTRIES, { endpoints: [{ address: "db.example.com" }, { address: 7 }] }],
    [PROXIES, { includes: [{ name: "a" }, { namespace: "shop" }] }],
    [F5, { pools: [{ service: "a", serviceNamespace: "shop" }] }],
    [ENVOY, { services: [{ name: "a", namespace: "shop" }], resources: [] }],
    ["ciliumidentities.cilium.io", { services: [{ namespace: "sovereign-zero" }] }],
    ["widgets.example.org", { pools: [{ serviceNamespace: "sovereign-zero" }], resources: [{}] }],
  ])("passes in %s %j", (name, spec) => {
    expect(ingressAnnotationRule(kind(name, spec), known)).toEqual([]);
  });

  it("judges what an update changes, and nothing else", () => {
    const update = (before: object, after: object) =>
      ingressAnnotationRule(
        request({
          group: "cilium.io",
          resource: "ciliumenvoyconfigs",
          oldObject: { spec: before },
          object: { spec: after },
        }),
        known,
      );
    const given = { resources: [{ name: "node" }], services: [{ namespace: "sovereign-zero" }] };
    expect(update(given, { ...given, nodeSelector: {} })).toEqual([]);
    expect(update(given, { ...given, resources: [{ name: "other" }] })).toEqual(
      violations(["spec.resources", RAW]),
    );
  });

  it("refuses another snippet in place of one that the platform wrote", () => {
    const snippet = (text: string) => ({
      metadata: { annotations: { "nginx.ingress.kubernetes.io/server-snippet": text } },
    });
    const input = request({
      ...{ group: "networking.k8s.io", resource: "ingresses" },
      ...{ oldObject: snippet("return 200"), object: snippet("return 500") },
    });
    expect(ingressAnnotationRule(input, known).map(({ path }) => path)).toEqual([
      "metadata.annotations[nginx.ingress.kubernetes.io/server-snippet]",
    ]);
  });
});
