import { type Attempt, core, group, mergePatch, on, onEmbedded, onReal, post, put } from "./attempt.ts";
import { ATTACHMENT, HOMES, SOVEREIGN_SERVICE } from "./destination.ts";
import {
  annotatedDeployment,
  endpointSlice,
  named,
  pod,
  SOVEREIGN_ADDRESS,
  SOVEREIGN_POD_ADDRESS,
  SOVEREIGN_POD_ADDRESS_6,
} from "./object.ts";

const ADDRESSED = "service-address";
const ISOLATION = "pod-isolation";
const SLICES = "discovery.k8s.io/v1";

const slice = (address: string, members: Record<string, unknown> = {}) =>
  endpointSlice("evil", address, {
    metadata: { labels: { "kubernetes.io/service-name": "app" } },
    ports: [{ port: 8085 }],
    ...members,
  });
const endpoints = (subset: object) => ({
  ...named("v1", "Endpoints", "evil"),
  subsets: [{ ...subset, ports: [{ port: 8085 }] }],
});

/** Annotations of a Pod that give it a network, or addresses, of others. */
const NETWORKS: readonly [title: string, annotation: string, value: string][] = [
  ["joins a Sovereign's network", "k8s.v1.cni.cncf.io/networks", "own, sovereign-omantel/private@net1"],
  [
    "joins another Organization's network",
    "k8s.v1.cni.cncf.io/networks",
    '[{"name":"private","namespace":"globex-prod","ips":["10.0.0.9"]}]',
  ],
  ["takes a network of the node for its first one", "v1.multus-cni.io/default-network", "kube-system/host"],
  ["takes the address of a Pod of others", "cni.projectcalico.org/podIP", `${SOVEREIGN_POD_ADDRESS}/32`],
  ["takes any address", "cni.projectcalico.org/ipAddrsNoIpam", `["${SOVEREIGN_POD_ADDRESS}"]`],
  ["sends with the addresses of others", "cni.projectcalico.org/allowedSourcePrefixes", '["0.0.0.0/0"]'],
  [
    "receives what is sent to an address of others",
    "cni.projectcalico.org/floatingIPs",
    `["${SOVEREIGN_ADDRESS}"]`,
  ],
];

/** Attempts to reach Pods of others, or to pass for them, below the level of Services. */
export const POD_NETWORK_ATTEMPTS: readonly Attempt[] = HOMES.flatMap(([by, at]) => [
  ...NETWORKS.flatMap(([title, annotation, value]) => [
    on(
      `${title} by a Pod in ${at}`,
      by,
      post(core(at, "pods"), {
        ...pod("evil"),
        metadata: { name: "evil", annotations: { [annotation]: value } },
      }),
      ISOLATION,
    ),
    on(
      `${title} by a Deployment in ${at}`,
      by,
      post(group("apps/v1", at, "deployments"), annotatedDeployment("evil", { [annotation]: value })),
      ISOLATION,
    ),
  ]),
  on(
    `moves the network of the node into a Pod in ${at}`,
    by,
    post(
      group(ATTACHMENT[0], at, ATTACHMENT[1]),
      named(ATTACHMENT[0], ATTACHMENT[2], "evil", {
        spec: { config: '{"type":"host-device","device":"eth0"}' },
      }),
    ),
    "install-source",
  ),
  on(
    `leads its Service to a Sovereign's Pod in ${at}`,
    by,
    post(group(SLICES, at, "endpointslices"), slice(SOVEREIGN_POD_ADDRESS)),
    ADDRESSED,
  ),
  on(
    `leads its Service to the second address of a Sovereign's Pod in ${at}`,
    by,
    post(group(SLICES, at, "endpointslices"), slice(SOVEREIGN_POD_ADDRESS_6, { addressType: "IPv6" })),
    ADDRESSED,
  ),
  on(
    `leads its Service to the second address of a Sovereign's Pod by Endpoints in ${at}`,
    by,
    post(core(at, "endpoints"), endpoints({ addresses: [{ ip: SOVEREIGN_POD_ADDRESS_6 }] })),
    ADDRESSED,
  ),
  // A kube-apiserver of 1.36 refuses these texts by itself. Those of 1.34 and 1.35 accept them.
  ...["010.244.007.007", "::ffff:10.244.7.7"].map((address) =>
    onEmbedded(
      `leads its Service to a Sovereign's Pod, written as ${address}, in ${at}`,
      by,
      post(core(at, "endpoints"), endpoints({ addresses: [{ ip: address }] })),
      ADDRESSED,
    ),
  ),
  on(
    `leads its Service to a Sovereign's Service by its name in ${at}`,
    by,
    post(group(SLICES, at, "endpointslices"), slice(SOVEREIGN_SERVICE, { addressType: "FQDN" })),
    ADDRESSED,
  ),
  on(
    `leads its Service to a Sovereign's Pod by Endpoints in ${at}`,
    by,
    post(core(at, "endpoints"), endpoints({ addresses: [{ ip: SOVEREIGN_POD_ADDRESS }] })),
    ADDRESSED,
  ),
  on(
    `leads its Service to a Sovereign's Pod that is not ready in ${at}`,
    by,
    post(core(at, "endpoints"), endpoints({ notReadyAddresses: [{ ip: SOVEREIGN_POD_ADDRESS }] })),
    ADDRESSED,
  ),
  on(
    `moves its endpoints to a Sovereign's Pod in ${at}`,
    by,
    put(
      group(SLICES, at, "endpointslices/outside"),
      endpointSlice("outside", SOVEREIGN_POD_ADDRESS, { ports: [{ port: 8085 }] }),
    ),
    ADDRESSED,
  ),
  on(
    `forges the address of its Pod in ${at}`,
    by,
    mergePatch(core(at, "pods/app-0/status"), {
      status: { podIP: SOVEREIGN_POD_ADDRESS, podIPs: [{ ip: SOVEREIGN_POD_ADDRESS }] },
    }),
    at === "shop" ? ADDRESSED : ["pod-status", ADDRESSED],
  ),
  onReal(
    `gives itself a device of others by the status of a claim in ${at}`,
    by,
    mergePatch(group("resource.k8s.io/v1", at, "resourceclaims/device/status"), {
      status: {
        allocation: {
          devices: {
            results: [{ request: "gpu", driver: "gpu.example.org", pool: "node-1", device: "gpu-0" }],
          },
        },
      },
    }),
    ISOLATION,
  ),
]);
