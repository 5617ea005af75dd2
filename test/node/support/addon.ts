import type { KubernetesObject } from "../../../src/api/object.ts";
import { DNS_IMAGE, DNS_SERVICE, HOSTS } from "./address.ts";

const LABELS = { "k8s-app": "kube-dns" };
const RBAC = "rbac.authorization.k8s.io";
const COREFILE = `.:53 {
  errors
  ready
  hosts {
    ${HOSTS.trimEnd().replaceAll("\n", "\n    ")}
    fallthrough
  }
  kubernetes cluster.local in-addr.arpa ip6.arpa
  cache 5
}
`;

/** Objects that kubeadm creates on a new cluster: the group of its administrators, and CoreDNS. */
export const ADDONS: (KubernetesObject & Record<string, unknown>)[] = [
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: "kubeadm:cluster-admins" },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: RBAC, kind: "Group", name: "kubeadm:cluster-admins" }],
  },
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "coredns", namespace: "kube-system" } },
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRole",
    metadata: { name: "system:coredns" },
    rules: [
      {
        apiGroups: [""],
        resources: ["services", "pods", "namespaces", "endpoints"],
        verbs: ["list", "watch"],
      },
      { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
    ],
  },
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name: "system:coredns" },
    roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "system:coredns" },
    subjects: [{ kind: "ServiceAccount", name: "coredns", namespace: "kube-system" }],
  },
  {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "coredns", namespace: "kube-system" },
    data: { Corefile: COREFILE },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "kube-dns", namespace: "kube-system", labels: LABELS },
    spec: {
      clusterIP: DNS_SERVICE.first,
      selector: LABELS,
      ports: [
        { name: "dns", port: 53, protocol: "UDP" },
        { name: "dns-tcp", port: 53, protocol: "TCP" },
      ],
    },
  },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "coredns", namespace: "kube-system", labels: LABELS },
    spec: {
      selector: { matchLabels: LABELS },
      template: {
        metadata: { labels: LABELS },
        spec: {
          serviceAccountName: "coredns",
          dnsPolicy: "Default",
          priorityClassName: "system-cluster-critical",
          tolerations: [{ operator: "Exists" }],
          containers: [
            {
              name: "coredns",
              image: DNS_IMAGE,
              args: ["-conf", "/etc/coredns/Corefile"],
              // Without a CPU request, CoreDNS gets too little time on a busy machine.
              resources: { requests: { cpu: "200m" } },
              readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 1 },
              volumeMounts: [{ name: "config", mountPath: "/etc/coredns" }],
            },
          ],
          volumes: [{ name: "config", configMap: { name: "coredns" } }],
        },
      },
    },
  },
];
