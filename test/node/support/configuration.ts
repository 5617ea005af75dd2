import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { stringify } from "yaml";
import { kubeconfigText } from "../../../src/playground/apiserver/index.ts";
import type { CertificateAuthority } from "../../support/builder/certificate-authority.ts";
import {
  API_SERVER,
  DNS_SERVICE,
  FAMILIES,
  KUBERNETES_SERVICE,
  NODE,
  PAUSE_IMAGE,
  POD_RANGE,
  REGISTRY_HOST,
} from "./address.ts";

/** The users of the cluster by the name of their kubeconfig, each with its name and groups in kubeadm's certificates. */
const USERS = {
  // Used only for kubeadm's own first step: it binds the group of the administrators.
  "super-admin": ["kubernetes-super-admin", "system:masters"],
  admin: ["kubernetes-admin", "kubeadm:cluster-admins"],
  kubelet: ["system:node:node", "system:nodes"],
  "controller-manager": ["system:kube-controller-manager"],
  scheduler: ["system:kube-scheduler"],
  proxy: ["system:kube-proxy"],
} as const;

/** Writes all configuration files of the node into its folder. */
export async function writeConfiguration(
  folder: string,
  cgroup: string,
  authority: CertificateAuthority,
): Promise<void> {
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o600 });
  };
  for (const name of ["log", "hold", "disk"]) mkdirSync(join(folder, name), { recursive: true });
  for (const [name, text] of Object.entries(await serverFiles(authority))) write(`pki/${name}`, text);
  const cluster = { name: "node", url: API_SERVER, caPem: authority.pem };
  for (const [name, [user, ...groups]] of Object.entries(USERS)) {
    const { cert, key } = await authority.client(user, groups);
    const clientCertificate = { certPem: cert, keyPem: key };
    write(`kubeconfig/${name}`, kubeconfigText(cluster, { name, clientCertificate }));
  }
  write("resolv.conf", "nameserver 127.0.0.1\n");
  write("kubelet.yaml", stringify(kubeletConfiguration(folder, cgroup)));
  write("kube-proxy.yaml", stringify(kubeProxyConfiguration(folder)));
  write("containerd.toml", containerdConfiguration(folder));
  write("cni/10-node.conflist", JSON.stringify(NETWORK));
  write(
    `registry/${REGISTRY_HOST}/hosts.toml`,
    `server = "https://${REGISTRY_HOST}"\n[host."https://${REGISTRY_HOST}"]\n  ca = "${join(folder, "pki/ca.crt")}"\n`,
  );
}

/** The certificates and keys of the node's API server. */
async function serverFiles(authority: CertificateAuthority): Promise<Record<string, string>> {
  const hosts = [...NODE.all, ...KUBERNETES_SERVICE.all, "127.0.0.1", "kubernetes.default.svc"];
  const server = await authority.server("kube-apiserver", hosts);
  const kubeletClient = await authority.client("kube-apiserver-kubelet-client", ["kubeadm:cluster-admins"]);
  const { privateKey, publicKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return {
    "ca.crt": authority.pem,
    "apiserver.crt": server.cert,
    "apiserver.key": server.key,
    "kubelet-client.crt": kubeletClient.cert,
    "kubelet-client.key": kubeletClient.key,
    "service-account.key": privateKey,
    "service-account.pub": publicKey,
  };
}

const kubeletConfiguration = (folder: string, cgroup: string) => ({
  apiVersion: "kubelet.config.k8s.io/v1beta1",
  kind: "KubeletConfiguration",
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: join(folder, "pki/ca.crt") },
  },
  authorization: { mode: "Webhook" },
  clusterDNS: [DNS_SERVICE.first],
  clusterDomain: "cluster.local",
  resolvConf: join(folder, "resolv.conf"),
  cgroupDriver: "cgroupfs",
  cgroupRoot: `/${cgroup}`,
  failCgroupV1: false,
  failSwapOn: false,
  containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
  volumePluginDir: join(folder, "volume-plugin"),
  // The machine may not grant CAP_SYS_RESOURCE or a million open files.
  oomScoreAdj: 0,
  maxOpenFiles: 10_000,
  // The tests must not depend on the machine's free disk space.
  evictionHard: { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  serializeImagePulls: false,
  syncFrequency: "10s",
});

const kubeProxyConfiguration = (folder: string) => ({
  apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
  kind: "KubeProxyConfiguration",
  clientConnection: { kubeconfig: join(folder, "kubeconfig/proxy") },
  mode: "iptables",
  clusterCIDR: POD_RANGE.all.join(","),
  hostnameOverride: "node",
  // These settings would change the whole machine.
  conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: "0s", tcpCloseWaitTimeout: "0s" },
  iptables: { minSyncPeriod: "100ms" },
});

/** Each Pod gets a veth pair without a bridge, so that the node's rules see all packets, also those between two of its Pods. */
const NETWORK = {
  cniVersion: "0.4.0",
  name: "node",
  plugins: [
    {
      type: "ptp",
      ipMasq: false,
      ipam: {
        type: "host-local",
        ranges: POD_RANGE.all.map((subnet) => [{ subnet }]),
        routes: FAMILIES.map((family) => ({ dst: family === "IPv6" ? "::/0" : "0.0.0.0/0" })),
        dataDir: "/var/lib/cni",
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

const containerdConfiguration = (folder: string) => `
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/run/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${folder}/registry"
`;
