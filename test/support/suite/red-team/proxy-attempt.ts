import { type Attempt, core, group, on, post } from "./attempt.ts";
import {
  APISIX_ROUTE,
  AUTH_SERVICE,
  HOMES,
  type Kind,
  MIDDLEWARE,
  NETWORK_POLICY,
  OLD_INGRESS_ROUTE,
  TLS_OPTION,
  TOKEN_RULE,
  UPSTREAM,
} from "./destination.ts";
import { named } from "./object.ts";

const MATCH = "Host(`mine.test.example`)";
const secret = { name: "database", namespace: "sovereign-omantel" };

/** Objects that configure a proxy which all tenants share, with the name that the attempt needs. */
const PROXIES: readonly [title: string, kind: Kind, spec: object, name?: string][] = [
  [
    "calls a Sovereign's Service by an IngressRoute of Traefik 2",
    OLD_INGRESS_ROUTE,
    { routes: [{ match: MATCH, services: [{ name: "app", namespace: "sovereign-omantel" }] }] },
  ],
  [
    "calls Traefik's own API by a service of another provider",
    OLD_INGRESS_ROUTE,
    { routes: [{ match: MATCH, services: [{ name: "api@internal", kind: "TraefikService" }] }] },
  ],
  [
    "shows a Sovereign's Service as the page of an error",
    MIDDLEWARE,
    {
      errors: {
        status: ["404"],
        query: "/",
        service: { name: "app", namespace: "sovereign-omantel", port: 80 },
      },
    },
  ],
  ["sets the TLS options of every host", TLS_OPTION, { minVersion: "VersionTLS10" }, "default"],
  ["checks every request to the gateway", AUTH_SERVICE, { auth_service: "mine" }],
  [
    "has the mesh call a platform's Service for keys",
    TOKEN_RULE,
    { jwtRules: [{ issuer: "a", jwksUri: "http://app.kube-system.svc/keys" }] },
  ],
  [
    "calls a Sovereign's Service by an Upstream",
    UPSTREAM,
    { kube: { serviceNamespace: "sovereign-omantel" } },
  ],
  [
    "runs code in the gateway by a plugin",
    APISIX_ROUTE,
    {
      http: [
        {
          name: "a",
          match: { hosts: ["mine.test.example"] },
          plugins: [{ name: "serverless-pre-function", enable: true }],
        },
      ],
    },
  ],
  [
    "sends a Sovereign's Secret in a header by Cilium",
    NETWORK_POLICY,
    {
      egress: [
        {
          toPorts: [{ rules: { http: [{ headerMatches: [{ mismatch: "ADD", name: "a", secret }] }] } }],
        },
      ],
    },
  ],
];

const CONFIGURATION: readonly Attempt[] = HOMES.map(([by, at]) =>
  on(
    `claims every host by an annotation of Emissary in ${at}`,
    by,
    post(
      core(at, "services"),
      named("v1", "Service", "evil", {
        metadata: { annotations: { "getambassador.io/config": "kind: Mapping\nhost: omantel.test" } },
        spec: { ports: [{ port: 80 }] },
      }),
    ),
    "sovereign-host",
  ),
);

/** Attempts to reach other tenants through a shared proxy. */
export const PROXY_ATTEMPTS: readonly Attempt[] = [
  ...HOMES.flatMap(([by, at]) =>
    PROXIES.map(([title, [version, plural, kind], spec, name = "evil"]) =>
      on(
        `${title} in ${at}`,
        by,
        post(group(version, at, plural), named(version, kind, name, { spec })),
        "ingress-annotation",
      ),
    ),
  ),
  ...CONFIGURATION,
];
