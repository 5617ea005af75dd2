import type { NativeRow } from "./native-policy-object.ts";
import { core, group, mergePatch, post, type Request } from "./red-team/attempt.ts";
import { annotated, ingress, pod } from "./red-team/object.ts";

export const ANNOTATION_SEEDS: readonly Request[] = [
  post(core("shop", "pods"), pod("reported")),
  post(group("networking.k8s.io/v1", "shop", "ingresses"), ingress("served", "served.test")),
];

const POD = core("shop", "pods/reported/status");
const INGRESS = group("networking.k8s.io/v1", "shop", "ingresses/served/status");

/** Reports that pass while the webhook is down, so that Pods start and Ingresses get their address. */
export const ALLOWED_REPORTS: readonly NativeRow[] = [
  {
    title: "reports the address of a Pod as Calico",
    by: "ordinaryAccount",
    request: mergePatch(POD, annotated("cni.projectcalico.org/podIP", "10.244.9.3/32")),
  },
  {
    title: "reports the networks of a Pod as Multus",
    by: "ordinaryAccount",
    request: mergePatch(POD, annotated("k8s.v1.cni.cncf.io/network-status", "[]")),
  },
  {
    title: "reports the address of an Ingress",
    by: "ordinaryAccount",
    request: mergePatch(INGRESS, {
      status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } },
    }),
  },
];

export const JUDGED_REPORTS: readonly NativeRow[] = [
  {
    title: "names a network by the status of a Pod",
    by: "stranger",
    request: mergePatch(POD, annotated("k8s.v1.cni.cncf.io/networks", "kube-system/host")),
  },
  {
    title: "annotates an Ingress by its status",
    by: "stranger",
    request: mergePatch(INGRESS, annotated("nginx.ingress.kubernetes.io/server-alias", "a.test")),
  },
];
