import { core, post, type Request } from "./attempt.ts";
import { named, ownedService, SOVEREIGN_ADDRESS, service, volumeClaim } from "./object.ts";

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
