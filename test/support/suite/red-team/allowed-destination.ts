import { type Attempt, group, on, post } from "./attempt.ts";
import {
  DESTINATION_RULE,
  entry,
  F5,
  HOMES,
  type Kind,
  NGINX_POLICY,
  PROXY,
  proxied,
  REDIRECT,
  redirected,
  routed,
  SERVICE_ENTRY,
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
    "keeps the traffic of its own Service on the node by Cilium",
    REDIRECT,
    (at) => redirected({ serviceMatcher: { serviceName: "app", namespace: at } }),
  ],
  [
    "limits traffic by Cilium",
    ["cilium.io/v2", "ciliumnetworkpolicies", "CiliumNetworkPolicy"],
    () => ({
      egress: [{ toPorts: [{ rules: { http: [{ host: "omantel.test" }] } }] }],
    }),
  ],
];

/** Work with the same products that stays in one's own namespace. */
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
