import { type Attempt, group, on, post } from "./attempt.ts";
import {
  DESTINATION_RULE,
  entry,
  F5,
  HOMES,
  type Kind,
  MIDDLEWARE,
  NETWORK_POLICY,
  NGINX_POLICY,
  OLD_INGRESS_ROUTE,
  PROXY,
  proxied,
  REDIRECT,
  redirected,
  routed,
  SERVICE_ENTRY,
  TLS_OPTION,
  TOKEN_RULE,
  UPSTREAM,
  VIRTUAL_SERVICE,
  WORKLOAD_ENTRY,
} from "./destination.ts";
import { named } from "./object.ts";

const OWN: readonly [string, Kind, (at: string) => object][] = [
  [
    "routes and mirrors to its own Services",
    VIRTUAL_SERVICE,
    (at) =>
      routed({
        route: [{ destination: { host: "app" } }, { destination: { host: `app.${at}.svc.cluster.local` } }],
        mirror: { host: "app" },
        delegate: { name: "more", namespace: at },
      }),
  ],
  [
    "adds a host outside with the address of its own mesh",
    SERVICE_ENTRY,
    () =>
      entry({
        addresses: ["240.0.0.1"],
        exportTo: ["."],
        endpoints: [{ address: "db.payments.example" }],
      }),
  ],
  ["adds a host outside", WORKLOAD_ENTRY, () => ({ address: "vm.payments.example", labels: { host: "a" } })],
  [
    "sets how its own Service is reached",
    DESTINATION_RULE,
    (at) => ({ host: `app.${at}.svc.cluster.local` }),
  ],
  ["includes its own routes", PROXY, (at) => proxied({ includes: [{ name: "more", namespace: at }] })],
  [
    "serves its own Service by F5",
    F5,
    (at) => ({
      host: "f5.acme.example",
      pools: [{ service: "app", serviceNamespace: at }],
    }),
  ],
  [
    "checks tokens with keys outside by F5's NGINX",
    NGINX_POLICY,
    () => ({
      jwt: { realm: "a", jwksURI: "https://login.acme.example/keys" },
    }),
  ],
  [
    "serves its own Service by Traefik 2",
    OLD_INGRESS_ROUTE,
    (at) => ({
      routes: [{ match: "Host(`traefik.acme.example`)", services: [{ name: "app", namespace: at }] }],
    }),
  ],
  [
    "shows its own Service as the page of an error",
    MIDDLEWARE,
    () => ({ errors: { status: ["404"], query: "/", service: { name: "app", port: 80 } } }),
  ],
  ["sets the TLS options of its own routes", TLS_OPTION, () => ({ minVersion: "VersionTLS13" })],
  [
    "checks tokens with keys outside by Istio",
    TOKEN_RULE,
    () => ({ jwtRules: [{ issuer: "a", jwksUri: "https://login.acme.example/keys" }] }),
  ],
  ["calls its own Service by an Upstream", UPSTREAM, (at) => ({ kube: { serviceNamespace: at } })],
  [
    "keeps the traffic of its own Service on the node by Cilium",
    REDIRECT,
    (at) => redirected({ serviceMatcher: { serviceName: "app", namespace: at } }),
  ],
  [
    "limits traffic by Cilium",
    NETWORK_POLICY,
    () => ({
      egress: [{ toPorts: [{ rules: { http: [{ host: "omantel.test" }] } }] }],
    }),
  ],
];

/** Work with the same products that stays in the requester's own namespace. */
export const ALLOWED_DESTINATION: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...OWN.map(([title, [version, plural, kind], spec]) =>
    on(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "kept", { spec: spec(at) })),
      "allowed",
    ),
  ),
]);
