import { describe, expect, it } from "vitest";
import { hostRule } from "../../../../src/admission/rules/host.ts";
import { ingressAnnotationRule } from "../../../../src/admission/rules/ingress-annotation.ts";
import type { AdmissionInput, ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { creation, facts, request } from "../../../support/builder/admission-request.ts";

const known = facts({ isForeignNamespace: (name) => name === "sovereign-zero" });
const HOST = "billing.sovereign-zero.svc";

const kind = (name: string, object: ReviewedObject, change: Partial<AdmissionInput> = {}) => {
  const [resource = "", ...group] = name.split(".");
  return creation({ group: group.join("."), resource, object, ...change });
};
const pathsOf = (input: AdmissionInput) => ingressAnnotationRule(input, known).map(({ path }) => path);

describe("ingressAnnotationRule, for services of Traefik", () => {
  const PLACES: [string, string, (service: object) => object][] = [
    ["ingressroutes", "spec.routes[0].services[0]", (it) => ({ routes: [{ services: [it] }] })],
    ["traefikservices", "spec.weighted.services[0]", (it) => ({ weighted: { services: [it] } })],
    [
      "traefikservices",
      "spec.highestRandomWeight.services[0]",
      (it) => ({ highestRandomWeight: { services: [it] } }),
    ],
    ["traefikservices", "spec.mirroring", (it) => ({ mirroring: it })],
    ["traefikservices", "spec.mirroring.mirrors[0]", (it) => ({ mirroring: { mirrors: [it] } })],
    ["middlewares", "spec.errors.service", (it) => ({ errors: { service: it } })],
  ];

  describe.each(["traefik.io", "traefik.containo.us"])("of %s", (group) => {
    it.each(PLACES)("refuses those of others in %s, %s", (resource, path, spec) => {
      const found = (service: object) => pathsOf(kind(`${resource}.${group}`, { spec: spec(service) }));
      expect(found({ name: "a", namespace: "sovereign-zero" })).toEqual([`${path}.namespace`]);
      expect(found({ name: "sovereign-zero-billing-80@kubernetes" })).toEqual([`${path}.name`]);
      expect(found({ name: "api@internal", kind: "TraefikService" })).toEqual([`${path}.name`]);
      expect(found({ name: "a", namespace: "shop", kind: "TraefikService" })).toEqual([]);
    });
  });
});

describe("ingressAnnotationRule, for other products that share a proxy", () => {
  const GLOO = "virtualservices.gateway.solo.io";
  const foreign = { namespace: "sovereign-zero" };
  const single = (it: object) => ({ virtualHost: { routes: [{ routeAction: { single: it } }] } });

  it.each<[string, object, string]>([
    [GLOO, single({ upstream: foreign }), "virtualHost.routes[0].routeAction.single.upstream.namespace"],
    [GLOO, single({ kube: { ref: foreign } }), "virtualHost.routes[0].routeAction.single.kube.ref.namespace"],
    [
      "routetables.gateway.solo.io",
      { routes: [{ routeAction: { multi: { destinations: [{ destination: { upstream: foreign } }] } } }] },
      "routes[0].routeAction.multi.destinations[0].destination.upstream.namespace",
    ],
    [
      "routetables.gateway.solo.io",
      { routes: [{ routeAction: { upstreamGroup: foreign } }] },
      "routes[0].routeAction.upstreamGroup.namespace",
    ],
    [
      GLOO,
      { virtualHost: { routes: [{ delegateAction: { ref: foreign } }] } },
      "virtualHost.routes[0].delegateAction.ref.namespace",
    ],
    [
      GLOO,
      {
        virtualHost: {
          routes: [{ delegateAction: { selector: { namespaces: ["shop", "sovereign-zero"] } } }],
        },
      },
      "virtualHost.routes[0].delegateAction.selector.namespaces[1]",
    ],
    ["upstreams.gloo.solo.io", { kube: { serviceNamespace: "sovereign-zero" } }, "kube.serviceNamespace"],
    ["upstreams.gloo.solo.io", { static: { hosts: [{ addr: HOST }] } }, "static.hosts[0].addr"],
    ["upstreams.gloo.solo.io", { static: { hosts: [{ addr: "10.0.0.1" }] } }, "static.hosts[0].addr"],
    [
      "upstreamgroups.gloo.solo.io",
      { destinations: [{ destination: { upstream: foreign } }] },
      "destinations[0].destination.upstream.namespace",
    ],
    [
      "requestauthentications.security.istio.io",
      { jwtRules: [{ jwksUri: `http://${HOST}/keys` }] },
      "jwtRules[0].jwksUri",
    ],
    ["filters.getambassador.io", { External: { auth_service: `${HOST}:80` } }, "External.auth_service"],
    ["filters.getambassador.io", { JWT: { jwksURI: `http://${HOST}` } }, "JWT.jwksURI"],
    ["apisixupstreams.apisix.apache.org", { externalNodes: [{ name: HOST }] }, "externalNodes[0].name"],
    [
      "apisixroutes.apisix.apache.org",
      { http: [{ plugins: [{ name: "serverless-pre-function" }] }] },
      "http[0].plugins[0].name",
    ],
    [
      "apisixroutes.apisix.apache.org",
      { stream: [{ plugins: [{ name: "serverless-post-function" }] }] },
      "stream[0].plugins[0].name",
    ],
    [
      "apisixpluginconfigs.apisix.apache.org",
      { plugins: [{ name: "cors" }, { name: "serverless-pre-function" }] },
      "plugins[1].name",
    ],
  ])("refuses in %s %j", (name, spec, path) => {
    expect(pathsOf(kind(name, { spec }))).toEqual([`spec.${path}`]);
  });

  it.each(["pre-function", "post-function", "exit-transformer"])("refuses plugin %s of Kong", (plugin) =>
    expect(ingressAnnotationRule(kind("kongplugins.configuration.konghq.com", { plugin }), known)).toEqual([
      {
        rule: "ingress-annotation",
        path: "plugin",
        message: `${plugin} runs your code in the proxy that all tenants share; remove it, or ask the platform team`,
      },
    ]),
  );

  it.each<[string, ReviewedObject]>([
    ["kongplugins.configuration.konghq.com", { plugin: "cors" }],
    [GLOO, { spec: single({ upstream: { name: "a", namespace: "shop" } }) }],
    ["upstreams.gloo.solo.io", { spec: { static: { hosts: [{ addr: "api.example.com" }] } } }],
    [
      "requestauthentications.security.istio.io",
      { spec: { jwtRules: [{ jwksUri: "https://login.example.com/keys" }] } },
    ],
    ["apisixupstreams.apisix.apache.org", { spec: { externalNodes: [{ name: "api.example.com" }] } }],
    ["apisixroutes.apisix.apache.org", { spec: { http: [{ plugins: [{ name: "cors" }] }] } }],
  ])("passes in %s %j", (name, object) => {
    expect(pathsOf(kind(name, object))).toEqual([]);
  });
});

describe("ingressAnnotationRule, for Secrets of a CiliumNetworkPolicy", () => {
  const secret = { name: "database", namespace: "sovereign-zero" };
  const POLICY = "ciliumnetworkpolicies.cilium.io";

  it.each<[string, object]>([
    ["terminatingTLS.secret", { terminatingTLS: { secret } }],
    ["originatingTLS.secret", { originatingTLS: { secret } }],
    ["rules.http[0].headerMatches[0].secret", { rules: { http: [{ headerMatches: [{ secret }] }] } }],
  ])("refuses those of others in %s", (path, port) => {
    const rule = { egress: [{ toPorts: [port] }], ingress: [{ toPorts: [port] }] };
    const at = (root: string) =>
      ["ingress", "egress"].map((way) => `${root}.${way}[0].toPorts[0].${path}.namespace`);
    expect(pathsOf(kind(POLICY, { spec: rule })).sort()).toEqual(at("spec").sort());
    expect(pathsOf(kind(POLICY, { specs: [rule] })).sort()).toEqual(at("specs[0]").sort());
  });

  it("passes its own", () => {
    const toPorts = [{ originatingTLS: { secret: { name: "a", namespace: "shop" } } }];
    expect(pathsOf(kind(POLICY, { spec: { egress: [{ toPorts }] } }))).toEqual([]);
  });
});

describe("ingressAnnotationRule, for objects that configure a gateway for all", () => {
  const GLOBAL = [
    "authservices.getambassador.io",
    "ratelimitservices.getambassador.io",
    "logservices.getambassador.io",
    "tracingservices.getambassador.io",
    "modules.getambassador.io",
    "apisixglobalrules.apisix.apache.org",
  ];
  const DEFAULTS = ["traefik.io", "traefik.containo.us"].flatMap((group) =>
    ["tlsoptions", "tlsstores"].map((resource) => `${resource}.${group}`),
  );

  it.each([...GLOBAL, ...DEFAULTS])("refuses %s", (name) => {
    const [resource = ""] = name.split(".");
    expect(ingressAnnotationRule(kind(name, { spec: {} }, { name: "default" }), known)).toEqual([
      {
        rule: "ingress-annotation",
        path: "spec",
        message: `this ${resource} object would configure the gateway for every host of all tenants; use an Ingress or an HTTPRoute, or ask the platform team`,
      },
    ]);
  });

  it.each(DEFAULTS)("passes %s by another name", (name) => {
    expect(pathsOf(kind(name, { spec: {} }, { name: "strict" }))).toEqual([]);
  });

  it("passes a change of what is not its specification, and refuses another one", () => {
    const update = (object: ReviewedObject) =>
      pathsOf(
        request({
          ...{ group: "getambassador.io", resource: "authservices" },
          ...{ oldObject: { spec: { auth_service: "auth" } }, object },
        }),
      );
    expect(update({ metadata: { labels: { a: "b" } }, spec: { auth_service: "auth" } })).toEqual([]);
    expect(update({ spec: { auth_service: "mine" } })).toEqual(["spec"]);
  });
});

describe("hostRule, for the annotation by which Emissary configures itself", () => {
  it.each([
    ["services", ""],
    ["ingresses", "networking.k8s.io"],
  ])("refuses it on %s", (resource, group) => {
    const annotations = { "getambassador.io/config": "kind: Mapping\nhost: zero.example" };
    const input = creation({ group, resource, object: { metadata: { annotations } } });
    expect(hostRule(input, facts())).toEqual([
      {
        rule: "sovereign-host",
        path: "metadata.annotations[getambassador.io/config]",
        message:
          "a configuration in this annotation, and not in a Mapping, also matches the hosts of Sovereigns; name your hosts one by one, in full",
      },
    ]);
  });
});
