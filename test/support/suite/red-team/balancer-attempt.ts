import { type Attempt, core, jsonPatch, mergePatch, on, post } from "./attempt.ts";
import { HOMES } from "./destination.ts";
import { SOVEREIGN_ADDRESS, service } from "./object.ts";

const ADDRESSED = "service-address";

const METALLB = "metallb.universe.tf";
const balanced = (annotations: Record<string, string>, spec: Record<string, unknown> = {}) => ({
  ...service("evil", { type: "LoadBalancer", ...spec }),
  metadata: { name: "evil", annotations },
});

export const BALANCER_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...[METALLB, "metallb.io", "purelb.io"].map((prefix) =>
    on(
      `shares an address by a key of others of ${prefix} in ${at}`,
      by,
      post(core(at, "services"), balanced({ [`${prefix}/allow-shared-ip`]: "omantel" })),
      ADDRESSED,
    ),
  ),
  ...[
    `${METALLB}/loadBalancerIPs`,
    "metallb.io/loadBalancerIPs",
    "kube-vip.io/loadbalancerIPs",
    "io.cilium/lb-ipam-ips",
    "lbipam.cilium.io/ips",
    "purelb.io/addresses",
    "service.beta.kubernetes.io/azure-load-balancer-ipv4",
    "loxilb.io/staticIP",
  ].map((annotation) =>
    on(
      `asks for the address of a Sovereign by ${annotation} in ${at}`,
      by,
      post(core(at, "services"), balanced({ [annotation]: `203.0.113.99, ${SOVEREIGN_ADDRESS}` })),
      ADDRESSED,
    ),
  ),
  on(
    `asks for the address of a Sovereign by the old field in ${at}`,
    by,
    post(core(at, "services"), balanced({}, { loadBalancerIP: SOVEREIGN_ADDRESS })),
    ADDRESSED,
  ),
  ...[`::ffff:${SOVEREIGN_ADDRESS}`, "::ffff:cb00:7114", "203.000.113.020"].map((address) =>
    on(
      `asks for the address of a Sovereign, written as ${address}, in ${at}`,
      by,
      post(core(at, "services"), balanced({}, { loadBalancerIP: address })),
      ADDRESSED,
    ),
  ),
  on(
    `moves its Service to the address of a Sovereign in ${at}`,
    by,
    mergePatch(core(at, "services/balanced"), { spec: { loadBalancerIP: SOVEREIGN_ADDRESS } }),
    ADDRESSED,
  ),
  on(
    `moves its Service to a key of others in ${at}`,
    by,
    jsonPatch(core(at, "services/balanced"), [
      { op: "add", path: "/metadata/annotations", value: { [`${METALLB}/allow-shared-ip`]: `${at}-2/dns` } },
    ]),
    ADDRESSED,
  ),
]);

export const ALLOWED_BALANCER: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  on(
    `shares an address among its own Services in ${at}`,
    by,
    post(core(at, "services"), {
      ...service("dns", { type: "LoadBalancer" }),
      metadata: { name: "dns", annotations: { [`${METALLB}/allow-shared-ip`]: `${at}/dns` } },
    }),
    "allowed",
  ),
  on(
    `asks for an address that is free in ${at}`,
    by,
    post(core(at, "services"), {
      ...service("fixed", { type: "LoadBalancer", loadBalancerIP: "203.0.113.99" }),
      metadata: { name: "fixed", annotations: { [`${METALLB}/loadBalancerIPs`]: "203.0.113.98" } },
    }),
    "allowed",
  ),
]);
