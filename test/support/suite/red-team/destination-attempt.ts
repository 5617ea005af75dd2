import { type Attempt, group, on, post } from "./attempt.ts";
import {
  ENDPOINT,
  ENVOY,
  entry,
  F5,
  F5_TRANSPORT,
  FOREIGN_SERVICE,
  HOMES,
  INGRESS_ROUTE,
  type Kind,
  NGINX_POLICY,
  PROXY,
  proxied,
  REDIRECT,
  redirected,
  routed,
  SERVICE_ENTRY,
  SOVEREIGN_SERVICE,
  to,
  VIRTUAL_SERVICE,
  WORKLOAD_ENTRY,
} from "./destination.ts";
import { named } from "./object.ts";

const ROUTED = "ingress-annotation";
const ADDRESSED = "service-address";

/** Fields that send a controller to a Service of others, or take traffic that is meant for others. */
const DESTINATIONS: readonly [string, Kind, object, Attempt["expected"]][] = [
  ["calls a Sovereign's Service by a route", VIRTUAL_SERVICE, to(SOVEREIGN_SERVICE), ROUTED],
  ["calls another Organization's Service by a route", VIRTUAL_SERVICE, to(FOREIGN_SERVICE), ROUTED],
  [
    "calls a Sovereign's Service by a mirror",
    VIRTUAL_SERVICE,
    routed({ mirror: { host: SOVEREIGN_SERVICE } }),
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by one of several mirrors",
    VIRTUAL_SERVICE,
    routed({ mirrors: [{ destination: { host: SOVEREIGN_SERVICE } }] }),
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by a TLS route",
    VIRTUAL_SERVICE,
    { hosts: ["mine.test.example"], tls: [{ route: [{ destination: { host: SOVEREIGN_SERVICE } }] }] },
    ROUTED,
  ],
  [
    "calls a platform's Service by a TCP route",
    VIRTUAL_SERVICE,
    { hosts: ["mine.test.example"], tcp: [{ route: [{ destination: { host: "app.kube-system.svc" } }] }] },
    ROUTED,
  ],
  [
    "calls another Organization's routes by a delegate",
    VIRTUAL_SERVICE,
    routed({ delegate: { name: "app", namespace: "globex-prod" } }),
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by an endpoint",
    SERVICE_ENTRY,
    entry({ endpoints: [{ address: SOVEREIGN_SERVICE }] }),
    ROUTED,
  ],
  [
    "calls the node's metadata by an endpoint",
    SERVICE_ENTRY,
    entry({ endpoints: [{ address: "169.254.169.254" }] }),
    ROUTED,
  ],
  [
    "calls a socket of the gateway by an endpoint",
    SERVICE_ENTRY,
    entry({ endpoints: [{ address: "unix:///etc/istio/proxy/XDS" }] }),
    ROUTED,
  ],
  [
    "takes from all who call an address by a ServiceEntry",
    SERVICE_ENTRY,
    entry({ addresses: ["10.96.0.1"] }),
    ADDRESSED,
  ],
  [
    "takes from all who call an address by a ServiceEntry that names more readers than itself",
    SERVICE_ENTRY,
    entry({ addresses: ["10.96.0.1"], exportTo: [".", "*"] }),
    ADDRESSED,
  ],
  ["calls a Sovereign's Service by a WorkloadEntry", WORKLOAD_ENTRY, { address: SOVEREIGN_SERVICE }, ROUTED],
  ["calls a Pod of others by a WorkloadEntry", WORKLOAD_ENTRY, { address: "10.244.1.7" }, ROUTED],
  [
    "calls another Organization's routes by an HTTPProxy",
    PROXY,
    proxied({ includes: [{ name: "app", namespace: "globex-prod" }] }),
    ROUTED,
  ],
  [
    "calls a Sovereign's TCP routes by an HTTPProxy",
    PROXY,
    proxied({ tcpproxy: { include: { name: "app", namespace: "sovereign-omantel" } } }),
    ROUTED,
  ],
  [
    "calls a platform's server of keys by an HTTPProxy",
    PROXY,
    {
      virtualhost: {
        fqdn: "mine.test.example",
        jwtProviders: [{ name: "a", remoteJWKS: { uri: "http://app.kube-system.svc/keys" } }],
      },
    },
    ROUTED,
  ],
  [
    "calls a platform's authorization server by an HTTPProxy",
    PROXY,
    {
      virtualhost: {
        fqdn: "mine.test.example",
        authorization: { extensionRef: { name: "app", namespace: "kube-system" } },
      },
    },
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by a pool of F5",
    F5,
    { host: "mine.test.example", pools: [{ service: "app", serviceNamespace: "sovereign-omantel" }] },
    ROUTED,
  ],
  [
    "calls another Organization's Service by an alternate backend of F5",
    F5,
    {
      host: "mine.test.example",
      pools: [{ service: "a", alternateBackends: [{ service: "app", serviceNamespace: "globex-prod" }] }],
    },
    ROUTED,
  ],
  [
    "calls a platform's Service by a TransportServer of F5",
    F5_TRANSPORT,
    { pool: { service: "app", serviceNamespace: "kube-system" } },
    ROUTED,
  ],
  ["takes the visitors of a Sovereign's host by F5", F5, { host: "omantel.test" }, "sovereign-host"],
  [
    "takes the visitors of a Sovereign's host by an alias of F5",
    F5,
    { host: "mine.test.example", hostAliases: ["omantel.test"] },
    "sovereign-host",
  ],
  [
    "calls a platform's server of keys by a Policy of F5's NGINX",
    NGINX_POLICY,
    { jwt: { realm: "a", jwksURI: "http://app.kube-system.svc/keys" } },
    ROUTED,
  ],
  [
    "calls a Sovereign's Service by an IngressRoute",
    INGRESS_ROUTE,
    {
      routes: [
        { match: "Host(`mine.test.example`)", services: [{ name: "app", namespace: "sovereign-omantel" }] },
      ],
    },
    ROUTED,
  ],
  [
    "redirects the node's metadata for all Pods by Cilium",
    REDIRECT,
    redirected({ addressMatcher: { ip: "169.254.169.254", toPorts: [{ port: "80", protocol: "TCP" }] } }),
    ADDRESSED,
  ],
  [
    "redirects a Sovereign's Service for all Pods by Cilium",
    REDIRECT,
    redirected({ serviceMatcher: { serviceName: "app", namespace: "sovereign-omantel" } }),
    ADDRESSED,
  ],
  [
    "calls a Sovereign's Service by an Envoy of Cilium",
    ENVOY,
    { services: [{ name: "app", namespace: "sovereign-omantel", listener: "mine" }] },
    ROUTED,
  ],
  [
    "calls another Organization's Service by a backend of Cilium's Envoy",
    ENVOY,
    { backendServices: [{ name: "app", namespace: "globex-prod" }] },
    ROUTED,
  ],
  [
    "calls any address by raw resources of Cilium's Envoy",
    ENVOY,
    { resources: [{ "@type": "type.googleapis.com/envoy.config.cluster.v3.Cluster", name: "node" }] },
    ROUTED,
  ],
];

const DESTINATION: readonly Attempt[] = HOMES.flatMap(([by, at]) =>
  DESTINATIONS.map(([title, [version, plural, kind], spec, expected]) =>
    on(
      `${title} in ${at}`,
      by,
      post(group(version, at, plural), named(version, kind, "evil", { spec })),
      expected,
    ),
  ),
);

const IDENTITIES: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  on(
    `gives an address the identity of others in Cilium in ${at}`,
    by,
    post(group(ENDPOINT[0], at, ENDPOINT[1]), {
      ...named(ENDPOINT[0], ENDPOINT[2], "evil"),
      status: { identity: { id: 7 }, networking: { addressing: [{ ipv4: "10.244.1.7" }] } },
    }),
    ADDRESSED,
  ),
]);

/** Attempts to bypass admission through the controllers of other products. */
export const DESTINATION_ATTEMPTS: readonly Attempt[] = [...DESTINATION, ...IDENTITIES];
