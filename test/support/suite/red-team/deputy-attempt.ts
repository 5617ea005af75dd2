import { type Attempt, core, group, mergePatch, on, post } from "./attempt.ts";
import {
  endpointSlice,
  ingress,
  named,
  ownedService,
  SOVEREIGN_ADDRESS,
  SOVEREIGN_POD_ADDRESS,
  service,
} from "./object.ts";

const ADDRESSED = "service-address";
const SLICES = "discovery.k8s.io/v1";
const INGRESSES = "networking.k8s.io/v1";
/** The Ingress that the operator keeps for a Sovereign. */
const MANAGED_INGRESS = group(INGRESSES, "sovereign-omantel", "ingresses/storefront");

const balanced = (annotations: Record<string, string>, spec: object = {}) => {
  const made = ownedService("deputy", "acme.cert-manager.io/v1", "Challenge");
  return {
    ...made,
    spec: { ...made.spec, type: "LoadBalancer", ...spec },
    metadata: { ...made.metadata, annotations },
  };
};

/** What listed controllers write because a template or an object of a tenant says so. */
export const DEPUTY_ATTEMPTS: readonly Attempt[] = [
  ...["acme-prod", "shop"].flatMap((at) => [
    on(
      `leads a Service to a Sovereign's Pod by a template in ${at}`,
      "externalSecrets",
      post(group(SLICES, at, "endpointslices"), endpointSlice("deputy", SOVEREIGN_POD_ADDRESS)),
      ADDRESSED,
    ),
    on(
      `asks for a Sovereign's address for its owner in ${at}`,
      "certManager",
      post(core(at, "services"), balanced({}, { loadBalancerIP: SOVEREIGN_ADDRESS })),
      ADDRESSED,
    ),
    on(
      `asks for a Sovereign's address by an annotation for its owner in ${at}`,
      "certManager",
      post(core(at, "services"), balanced({ "metallb.io/loadBalancerIPs": SOVEREIGN_ADDRESS })),
      ADDRESSED,
    ),
    on(
      `shares an address of others for its owner in ${at}`,
      "certManager",
      post(core(at, "services"), balanced({ "metallb.io/allow-shared-ip": "omantel" })),
      ADDRESSED,
    ),
    on(
      `makes a record of a Sovereign's host for its owner in ${at}`,
      "certManager",
      post(core(at, "services"), balanced({ "external-dns.alpha.kubernetes.io/hostname": "omantel.test" })),
      "sovereign-host",
    ),
  ]),
  on(
    "leads a Service to a Sovereign's Pod by Endpoints that a policy generates",
    "kyverno",
    post(core("shop", "endpoints"), {
      ...named("v1", "Endpoints", "deputy"),
      subsets: [{ addresses: [{ ip: SOVEREIGN_POD_ADDRESS }], ports: [{ port: 80 }] }],
    }),
    ADDRESSED,
  ),
  on(
    "assigns an address to a Service by a policy",
    "kyverno",
    mergePatch(core("shop", "services/balanced/status"), {
      status: { loadBalancer: { ingress: [{ ip: SOVEREIGN_ADDRESS }] } },
    }),
    ADDRESSED,
  ),
  on(
    "annotates the Ingress of a Sovereign by its status",
    "ingressNginx",
    mergePatch(`${MANAGED_INGRESS}/status`, { metadata: { annotations: { mine: "yes" } } }),
    "managed-object",
  ),
  on(
    "changes the Ingress of a Sovereign",
    "ingressNginx",
    mergePatch(MANAGED_INGRESS, { metadata: { annotations: { mine: "yes" } } }),
    "sovereign-namespace",
  ),
];

export const ALLOWED_DEPUTY: readonly Attempt[] = [
  on(
    "reports the address of the Ingress that the operator keeps",
    "ingressNginx",
    mergePatch(`${MANAGED_INGRESS}/status`, {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    }),
    "allowed",
  ),
  on(
    "reports the hosts that it serves for an Ingress of an environment",
    "ingressNginx",
    mergePatch(group(INGRESSES, "acme-prod", "ingresses/app/status"), {
      status: { loadBalancer: { ingress: [{ hostname: "lb.example" }] } },
    }),
    "allowed",
  ),
  on(
    "shares an address of the platform in its own namespace",
    "ingressNginx",
    post(core("ingress-nginx", "services"), {
      ...service("controller", { type: "LoadBalancer" }),
      metadata: { name: "controller", annotations: { "metallb.io/allow-shared-ip": "edge" } },
    }),
    "allowed",
  ),
  on(
    "leads a Service of its template to a host outside",
    "externalSecrets",
    post(group(SLICES, "acme-prod", "endpointslices"), endpointSlice("outside-2", "198.51.100.8")),
    "allowed",
  ),
];

export const managedIngress = (labels: object) => ({
  ...ingress("storefront", "omantel.test"),
  metadata: { name: "storefront", labels },
});
