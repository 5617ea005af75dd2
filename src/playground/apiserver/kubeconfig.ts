import { stringify } from "yaml";

export interface KubeconfigUser {
  name: string;
  clientCertificate?: { certPem: string; keyPem: string };
  token?: string;
}

export interface KubeconfigCluster {
  name: string;
  url: string;
  caPem: string;
}

/** A kubeconfig of one cluster, one user and one context, as YAML. */
export function kubeconfigText(cluster: KubeconfigCluster, user: KubeconfigUser): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  const credentials = user.clientCertificate && {
    "client-certificate-data": base64(user.clientCertificate.certPem),
    "client-key-data": base64(user.clientCertificate.keyPem),
  };
  const context = `${user.name}@${cluster.name}`;
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: cluster.name,
        cluster: { server: cluster.url, "certificate-authority-data": base64(cluster.caPem) },
      },
    ],
    users: [
      {
        name: user.name,
        user: { ...credentials, ...(user.token === undefined ? {} : { token: user.token }) },
      },
    ],
    contexts: [{ name: context, context: { cluster: cluster.name, user: user.name } }],
    "current-context": context,
  });
}
