import { type Attempt, core, group, mergePatch, on, onReal, post } from "./attempt.ts";
import { HOMES, SOVEREIGN_SERVICE } from "./destination.ts";
import { annotated, named, SOVEREIGN_ADDRESS, SOVEREIGN_POD_ADDRESS } from "./object.ts";

const binding = (annotation: string, value: string) => ({
  ...named("v1", "Binding", "app-0", annotated(annotation, value)),
  target: { apiVersion: "v1", kind: "Node", name: "node-1" },
});

const MULTUS = "k8s.v1.cni.cncf.io/networks";
/** Annotations of a Pod that give it a network, or addresses, of others. */
const NETWORKS: readonly [title: string, annotation: string, value: string][] = [
  ["joins a Sovereign's network", MULTUS, "sovereign-omantel/private"],
  ["takes a network of the node for its first one", "v1.multus-cni.io/default-network", "kube-system/host"],
  ["takes any address", "cni.projectcalico.org/ipAddrsNoIpam", `["${SOVEREIGN_POD_ADDRESS}"]`],
];
/** Calico itself writes it, by the status. */
const POD_ADDRESS = ["takes the address of a Pod of others", "cni.projectcalico.org/podIP"] as const;
const RECORD = ["external-dns.alpha.kubernetes.io/hostname", "omantel.test"] as const;

const NGINX = "nginx.ingress.kubernetes.io";
const INGRESS: readonly [title: string, annotation: string, value: string, expected: Attempt["expected"]][] =
  [
    ["serves a Sovereign's host", `${NGINX}/server-alias`, "omantel.test", "sovereign-host"],
    ["configures the shared proxy", `${NGINX}/configuration-snippet`, "return 200;", "ingress-annotation"],
    [
      "calls a Sovereign's Service",
      `${NGINX}/auth-url`,
      `http://${SOVEREIGN_SERVICE}/x`,
      "ingress-annotation",
    ],
  ];

const SERVICE: readonly [title: string, annotation: string, value: string, expected: Attempt["expected"]][] =
  [
    ["asks for a Sovereign's address", "metallb.io/loadBalancerIPs", SOVEREIGN_ADDRESS, "service-address"],
    ["shares the address of others", "metallb.io/allow-shared-ip", "omantel", "service-address"],
    ["makes a record of a Sovereign's host", ...RECORD, "sovereign-host"],
  ];

/** Annotations that a user writes by another resource than the object itself: a binding of a Pod, or a status. */
export const ANNOTATION_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...["pods/app-0/binding", "bindings"].flatMap((resource) => [
    ...[...NETWORKS, [...POD_ADDRESS, SOVEREIGN_POD_ADDRESS] as const].map(([title, annotation, value]) =>
      onReal(
        `${title} by ${resource} in ${at}`,
        by,
        post(core(at, resource), binding(annotation, value)),
        "pod-isolation",
      ),
    ),
    onReal(
      `makes a record of a Sovereign's host by ${resource} in ${at}`,
      by,
      post(core(at, resource), binding(...RECORD)),
      "sovereign-host",
    ),
  ]),
  ...NETWORKS.map(([title, annotation, value]) =>
    on(
      `${title} by the status of a Pod in ${at}`,
      by,
      mergePatch(core(at, "pods/app-0/status"), annotated(annotation, value)),
      at === "shop" ? "pod-isolation" : ["pod-isolation", "pod-status"],
    ),
  ),
  on(
    `makes a record of a Sovereign's host by the status of a Pod in ${at}`,
    by,
    mergePatch(core(at, "pods/app-0/status"), annotated(...RECORD)),
    at === "shop" ? "sovereign-host" : ["pod-status", "sovereign-host"],
  ),
  ...INGRESS.map(([title, annotation, value, expected]) =>
    on(
      `${title} by the status of an Ingress in ${at}`,
      by,
      mergePatch(group("networking.k8s.io/v1", at, "ingresses/app/status"), annotated(annotation, value)),
      expected,
    ),
  ),
  ...SERVICE.map(([title, annotation, value, expected]) =>
    on(
      `${title} by the status of a Service in ${at}`,
      by,
      mergePatch(core(at, "services/balanced/status"), annotated(annotation, value)),
      expected,
    ),
  ),
]);

/** Writes of the status, and bindings, that stay allowed. */
export const ALLOWED_ANNOTATION: readonly Attempt[] = [
  on(
    "reports the address of an Ingress in an ordinary namespace",
    "ingressNginx",
    mergePatch(group("networking.k8s.io/v1", "shop", "ingresses/app/status"), {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    }),
    "allowed",
  ),
  on(
    "marks an Ingress by its status",
    "ordinaryAccount",
    mergePatch(
      group("networking.k8s.io/v1", "shop", "ingresses/app/status"),
      annotated("ingress.example/forwarding-rule", "rule-1"),
    ),
    "allowed",
  ),
  ...(["network-status", "networks-status"] as const).map((name) =>
    on(
      `reports ${name} as a network plugin`,
      "ordinaryAccount",
      mergePatch(core("shop", "pods/app-0/status"), annotated(`k8s.v1.cni.cncf.io/${name}`, "[]")),
      "allowed",
    ),
  ),
  on(
    "reports the address of a Pod as Calico",
    "ordinaryAccount",
    mergePatch(core("shop", "pods/app-0/status"), annotated("cni.projectcalico.org/podIP", "10.244.9.3/32")),
    "allowed",
  ),
  on(
    "joins its own network by the status of a Pod",
    "stranger",
    mergePatch(core("shop", "pods/app-0/status"), annotated(MULTUS, "own, shop/more")),
    "allowed",
  ),
  onReal(
    "binds its own Pod as a scheduler of its own",
    "stranger",
    post(core("shop", "pods/unbound/binding"), {
      ...binding("scheduler.example/score", "7"),
      metadata: { name: "unbound", annotations: { "scheduler.example/score": "7" } },
    }),
    "allowed",
  ),
];
