import type { NativeRow } from "./native-policy-object.ts";
import { core, group, mergePatch, post, type Request, remove } from "./red-team/attempt.ts";
import { ingress, pod, service } from "./red-team/object.ts";

const DNS_NAME = "external-dns.alpha.kubernetes.io/hostname";
const LABELLED = { metadata: { labels: { mine: "yes" } } };

/** Services that claim something already. */
export const SERVICE_SEEDS: readonly Request[] = [
  post(core("shop", "services"), {
    ...service("claiming", { type: "LoadBalancer", externalIPs: ["203.0.113.7"] }),
    metadata: { name: "claiming", annotations: { [DNS_NAME]: "shop.test" } },
  }),
  post(core("shop", "services"), service("named", { type: "ExternalName", externalName: "shop.test" })),
];

/** Requests that pass while the webhook is down, because the Service claims nothing more. */
export const ALLOWED_SERVICES: readonly NativeRow[] = [
  { title: "creates a Service", by: "stranger", request: post(core("shop", "services"), service("mine")) },
  {
    title: "creates a Service of type LoadBalancer",
    by: "omantel",
    request: post(core("shop", "services"), service("balanced", { type: "LoadBalancer" })),
  },
  {
    title: "changes the ports of a Service",
    by: "stranger",
    request: mergePatch(core("shop", "services/mine"), { spec: { ports: [{ port: 81 }] } }),
  },
  {
    title: "annotates a Service",
    by: "stranger",
    request: mergePatch(core("shop", "services/mine"), { metadata: { annotations: { "shop.test/a": "b" } } }),
  },
  {
    title: "labels a Service that has an external address and a DNS name",
    by: "stranger",
    request: mergePatch(core("shop", "services/claiming"), LABELLED),
  },
  {
    title: "writes the conditions of a Service",
    by: "stranger",
    request: mergePatch(core("shop", "services/claiming/status"), {
      status: {
        conditions: [
          {
            ...{ type: "Ready", status: "True", reason: "Tested", message: "" },
            lastTransitionTime: "2026-01-01T00:00:00Z",
          },
        ],
      },
    }),
  },
  { title: "deletes a Service", by: "stranger", request: remove(core("shop", "services/mine")) },
];

/** Requests that the webhook judges in an ordinary namespace, so that they fail while the webhook is down. */
export const NATIVE_JUDGED: readonly NativeRow[] = [
  ...[
    ["has an external address", { spec: { externalIPs: ["203.0.113.8"] } }],
    ["names another Service", { spec: { type: "ExternalName", externalName: "app.souk.svc" } }],
    ["has a DNS name", { metadata: { annotations: { [DNS_NAME]: "shop.test" } } }],
  ].map(([what, members]) => {
    const { spec, metadata } = members as { spec?: Record<string, unknown>; metadata?: object };
    return {
      title: `creates a Service that ${what}`,
      by: "stranger" as const,
      request: post(core("shop", "services"), {
        ...service("claims", spec),
        metadata: { name: "claims", ...metadata },
      }),
    };
  }),
  {
    title: "gives a Service another external address",
    by: "stranger",
    request: mergePatch(core("shop", "services/claiming"), {
      spec: { externalIPs: ["203.0.113.7", "203.0.113.8"] },
    }),
  },
  {
    title: "changes the DNS name of a Service",
    by: "stranger",
    request: mergePatch(core("shop", "services/claiming"), {
      metadata: { annotations: { [DNS_NAME]: "other.test" } },
    }),
  },
  {
    title: "names another Service by an existing one",
    by: "stranger",
    request: mergePatch(core("shop", "services/named"), { spec: { externalName: "app.souk.svc" } }),
  },
  {
    title: "gives a Service the address of a load balancer",
    by: "stranger",
    request: mergePatch(core("shop", "services/claiming/status"), {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.8" }] } },
    }),
  },
  { title: "runs a Pod", by: "stranger", request: post(core("shop", "pods"), pod("mine")) },
  {
    title: "claims a host",
    by: "stranger",
    request: post(group("networking.k8s.io/v1", "shop", "ingresses"), ingress("mine", "shop.test")),
  },
];
