import { describe, expect, it } from "vitest";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import type { ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { creation, facts } from "../../../support/builder/admission-request.ts";

const FOREIGN = ["sovereign-zero", "shop-prod"];
const known = facts({ isForeignNamespace: (name) => FOREIGN.includes(name) });
const pathsOf = (kind: string, object: ReviewedObject) => {
  const [resource = "", ...group] = kind.split(".");
  return ingressAnnotationRule(creation({ group: group.join("."), resource, object }), known).map(
    ({ path }) => path,
  );
};
const ROUTE = "ingressroutes.traefik.io";
const BACKEND = "backends.gateway.envoyproxy.io";
const EXTENSION = "envoyextensionpolicies.gateway.envoyproxy.io";
const MONITOR = "servicemonitors.monitoring.coreos.com";
const SCRAPE = "scrapeconfigs.monitoring.coreos.com";
const HOST = "billing.sovereign-zero.svc";
const middleware = (it: object) => ({ routes: [{ middlewares: [it] }] });

describe("ingressAnnotationRule, for what belongs to others", () => {
  it.each<[string, object, string]>([
    [ROUTE, middleware({ name: "a", namespace: "sovereign-zero" }), "routes[0].middlewares[0].namespace"],
    [ROUTE, middleware({ name: "sovereign-zero-a@kubernetescrd" }), "routes[0].middlewares[0].name"],
    [ROUTE, middleware({ name: " sovereign-zero-a-b@KubernetesCRD" }), "routes[0].middlewares[0].name"],
    // The requester's namespace is shop. The name could also be that of object a of namespace shop-prod.
    [ROUTE, middleware({ name: "shop-prod-a@kubernetescrd" }), "routes[0].middlewares[0].name"],
    [
      "middlewares.traefik.io",
      { chain: { middlewares: [{ namespace: "sovereign-zero" }] } },
      "chain.middlewares[0].namespace",
    ],
    [ROUTE, { tls: { options: { namespace: "sovereign-zero" } } }, "tls.options.namespace"],
    [ROUTE, { tls: { store: { namespace: "sovereign-zero" } } }, "tls.store.namespace"],
    [
      ROUTE,
      { routes: [{ services: [{ name: "a", serversTransport: "sovereign-zero-a@kubernetescrd" }] }] },
      "routes[0].services[0].serversTransport",
    ],
    [BACKEND, { endpoints: [{ fqdn: { hostname: HOST } }] }, "endpoints[0].fqdn.hostname"],
    [BACKEND, { endpoints: [{ ip: { address: "10.0.0.1" } }] }, "endpoints[0].ip.address"],
    [BACKEND, { endpoints: [{ unix: { path: "/a.sock" } }] }, "endpoints[0].unix.path"],
    [
      "securitypolicies.gateway.envoyproxy.io",
      { jwt: { providers: [{ remoteJWKS: { uri: `http://${HOST}/keys` } }] } },
      "jwt.providers[0].remoteJWKS.uri",
    ],
    [
      "securitypolicies.gateway.envoyproxy.io",
      { oidc: { provider: { issuer: `http://${HOST}` } } },
      "oidc.provider.issuer",
    ],
    ["envoypatchpolicies.gateway.envoyproxy.io", {}, ""],
    [EXTENSION, { wasm: [{ code: {} }] }, "wasm"],
    [EXTENSION, { lua: [{ inline: "a" }] }, "lua"],
    [MONITOR, { endpoints: [{ bearerTokenFile: "/a" }] }, "endpoints[0].bearerTokenFile"],
    [MONITOR, { endpoints: [{ tlsConfig: { keyFile: "/a" } }] }, "endpoints[0].tlsConfig.keyFile"],
    [
      MONITOR,
      { namespaceSelector: { matchNames: ["shop", "sovereign-zero"] } },
      "namespaceSelector.matchNames[1]",
    ],
    [MONITOR, { namespaceSelector: { any: true } }, "namespaceSelector.any"],
    [SCRAPE, { kubernetesSDConfigs: [{ role: "Pod" }] }, "kubernetesSDConfigs[0].namespaces"],
    [
      SCRAPE,
      { kubernetesSDConfigs: [{ namespaces: { names: ["sovereign-zero"] } }] },
      "kubernetesSDConfigs[0].namespaces.names[0]",
    ],
    [SCRAPE, { fileSDConfigs: [{ files: ["/a.json"] }] }, "fileSDConfigs[0].files[0]"],
    [SCRAPE, { staticConfigs: [{ targets: [`${HOST}:9100`] }] }, "staticConfigs[0].targets[0]"],
  ])("refuses in %s %j", (kind, spec, path) =>
    expect(pathsOf(kind, { spec })).toEqual([path === "" ? "spec" : `spec.${path}`]),
  );

  it.each<[string, object]>([
    [ROUTE, middleware({ name: "a", namespace: "shop" })],
    [ROUTE, middleware({ name: "shop-login@kubernetescrd" })],
    [ROUTE, middleware({ name: "compress@file" })],
    [ROUTE, middleware({ name: "sovereign-zero-a" })],
    [BACKEND, { endpoints: [{ fqdn: { hostname: "api.example.com" } }] }],
    [EXTENSION, { extProc: [{ backendRefs: [{ name: "own" }] }] }],
    [MONITOR, { namespaceSelector: { matchNames: ["shop"], any: false }, endpoints: [{ port: "web" }] }],
    [SCRAPE, { kubernetesSDConfigs: [{ namespaces: { ownNamespace: true } }] }],
    [SCRAPE, { kubernetesSDConfigs: [{ namespaces: { names: ["shop"] } }] }],
    [SCRAPE, { staticConfigs: [{ targets: ["192.0.2.7:9100"] }] }],
  ])("allows in %s %j", (kind, spec) => expect(pathsOf(kind, { spec })).toEqual([]));
});

describe("ingressAnnotationRule, for a name of Traefik that begins with the requester's namespace", () => {
  const refused = (name: string) =>
    ingressAnnotationRule(
      creation({
        ...{ group: "traefik.io", resource: "ingressroutes", namespace: "shop-prod-tools" },
        object: { spec: middleware({ name }) },
      }),
      known,
    ).length;

  it("does not take a shorter namespace of others for the one that is meant", () => {
    expect(refused("shop-prod-tools-a@kubernetescrd")).toBe(0);
    expect(refused("shop-prod-a@kubernetescrd")).toBe(1);
  });
});

describe("ingressAnnotationRule, for annotations of HAProxy and Traefik", () => {
  const found = (name: string, value: string) =>
    pathsOf("ingresses.networking.k8s.io", { metadata: { annotations: { [name]: value } } });

  it.each([
    ["haproxy-ingress.github.io/config-backend", "acl a"],
    [
      "traefik.ingress.kubernetes.io/router.middlewares",
      "shop-a@kubernetescrd, sovereign-zero-a@kubernetescrd",
    ],
    ["traefik.ingress.kubernetes.io/router.tls.options", "sovereign-zero-a@kubernetescrd"],
  ])("refuses %s: %s", (name, value) =>
    expect(found(name, value)).toEqual([`metadata.annotations[${name}]`]),
  );

  it.each([
    ["haproxy-ingress.github.io/config-backend", ""],
    ["haproxy-ingress.github.io/balance-algorithm", "leastconn"],
    ["traefik.ingress.kubernetes.io/router.middlewares", "shop-a@kubernetescrd,auth@file"],
    ["traefik.ingress.kubernetes.io/router.entrypoints", "web,websecure"],
  ])("allows %s: %s", (name, value) => expect(found(name, value)).toEqual([]));
});
