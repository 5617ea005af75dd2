import { type Attempt, core, group, mergePatch, on, onReal, post } from "./attempt.ts";
import { ACME_CHALLENGE, ACME_ORDER } from "./destination.ts";
import { deployment, endpointSlice, named, SOVEREIGN_POD_ADDRESS, secret } from "./object.ts";

const SLICES = "discovery.k8s.io/v1";

const controllersCan = (title: string, by: Attempt["by"], request: Attempt["request"]) =>
  on(title, by, request, "allowed");

/** What listed controllers, and Kubernetes' own, do in the namespaces of others. */
export const ALLOWED_CONTROLLER: readonly Attempt[] = [
  ...(["acme-prod", "sovereign-omantel"] as const).map((at) =>
    controllersCan(
      `orders a certificate of the host of ${at}`,
      "certManager",
      post(
        group(ACME_ORDER[0], at, ACME_ORDER[1]),
        named(ACME_ORDER[0], ACME_ORDER[2], "site", {
          spec: { dnsNames: [at === "acme-prod" ? "site.acme.example" : "omantel.test"] },
        }),
      ),
    ),
  ),
  onReal(
    "proves a Sovereign's host for that Sovereign",
    "certManager",
    post(
      group(ACME_CHALLENGE[0], "sovereign-omantel", ACME_CHALLENGE[1]),
      named(ACME_CHALLENGE[0], ACME_CHALLENGE[2], "site", { spec: { dnsName: "omantel.test" } }),
    ),
    "allowed",
  ),
  controllersCan(
    "renews a Sovereign's certificate",
    "certManager",
    post(
      core("sovereign-omantel", "secrets"),
      secret("site-tls", { type: "kubernetes.io/tls", data: { "tls.crt": "", "tls.key": "" } }),
    ),
  ),
  controllersCan(
    "leads a Service to a Pod of the Organization",
    "cloudNativePg",
    post(group(SLICES, "acme-prod", "endpointslices"), endpointSlice("database-rw", "10.244.9.9")),
  ),
  controllersCan(
    "mirrors endpoints into an environment",
    "controllerManager",
    post(group(SLICES, "acme-prod", "endpointslices"), endpointSlice("mirrored", SOVEREIGN_POD_ADDRESS)),
  ),
  controllersCan(
    "reports the address of a Pod",
    "kubelet",
    mergePatch(core("shop", "pods/app-0/status"), {
      status: { podIP: "10.244.9.3", podIPs: [{ ip: "10.244.9.3" }] },
    }),
  ),
  controllersCan(
    "installs a release as its account",
    "acmeAccount",
    post(group("apps/v1", "acme-prod", "deployments"), deployment("released")),
  ),
];
