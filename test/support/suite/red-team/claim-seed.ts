import { core, group, mergePatch, post, type Request } from "./attempt.ts";
import {
  endpointSlice,
  named,
  ownedService,
  SOVEREIGN_ADDRESS,
  SOVEREIGN_POD_ADDRESS,
  SOVEREIGN_POD_ADDRESS_6,
  service,
  volumeClaim,
} from "./object.ts";

/** Services that load balancers serve, and one that an object of cert-manager controls. */
export const SERVICE_SEEDS: readonly Request[] = [
  ...["acme-prod", "shop"].map((name) =>
    post(core(name, "services"), service("balanced", { type: "LoadBalancer" })),
  ),
  post(core("acme-prod", "services"), ownedService("owned", "acme.cert-manager.io/v1", "Challenge")),
  post(
    core("sovereign-omantel", "services"),
    service("balanced", { type: "LoadBalancer", loadBalancerIP: SOVEREIGN_ADDRESS }),
  ),
];

/** Volumes and claims, which the embedded API server does not serve. */
export const CLAIM_SEEDS: readonly Request[] = [
  ...["acme-prod", "shop"].flatMap((name) => [
    post(core(name, "persistentvolumeclaims"), volumeClaim("waiting")),
    post(core(name, "persistentvolumeclaims"), volumeClaim("bound", { volumeName: `${name}-disk` })),
  ]),
  post(
    "/api/v1/persistentvolumes",
    named("v1", "PersistentVolume", "disk", {
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path: "/tmp" } },
    }),
  ),
];

/** A Pod of a Sovereign with its addresses, and endpoints outside the cluster. */
export const NETWORK_SEEDS: readonly Request[] = [
  mergePatch(core("sovereign-omantel", "pods/app-0/status"), {
    status: {
      podIP: SOVEREIGN_POD_ADDRESS,
      podIPs: [{ ip: SOVEREIGN_POD_ADDRESS }, { ip: SOVEREIGN_POD_ADDRESS_6 }],
    },
  }),
  ...["acme-prod", "shop"].map((name) =>
    post(group("discovery.k8s.io/v1", name, "endpointslices"), endpointSlice("outside", "198.51.100.7")),
  ),
];

/** Claims of a device, which the embedded API server does not serve. */
export const DEVICE_SEEDS: readonly Request[] = ["acme-prod", "shop"].map((name) =>
  post(
    group("resource.k8s.io/v1", name, "resourceclaims"),
    named("resource.k8s.io/v1", "ResourceClaim", "device", {
      spec: {
        devices: { requests: [{ name: "gpu", exactly: { deviceClassName: "gpu.example.org" } }] },
      },
    }),
  ),
);
