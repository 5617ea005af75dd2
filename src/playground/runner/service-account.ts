import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import type { KubeClient } from "../../kube/client.ts";

const TOKEN_SECONDS = 3600;

/**
 * Writes a ServiceAccount's token and a kubeconfig that reads the token from its file, and returns the kubeconfig's path.
 * Call it again to renew the token in place.
 */
export async function writeServiceAccountFiles(deps: {
  client: KubeClient;
  server: string;
  caPem: string;
  folder: string;
  namespace: string;
  name: string;
}): Promise<string> {
  const { client, server, caPem, folder, namespace, name } = deps;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { token } = await client.createToken({ name, namespace }, TOKEN_SECONDS);
  const tokenFile = join(folder, "token");
  writeFileSync(`${tokenFile}.partial`, token, { mode: 0o600 });
  renameSync(`${tokenFile}.partial`, tokenFile);
  const kubeconfigFile = join(folder, "kubeconfig");
  const kubeconfig = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "playground",
        cluster: { server, "certificate-authority-data": Buffer.from(caPem).toString("base64") },
      },
    ],
    users: [{ name, user: { tokenFile } }],
    contexts: [{ name: "playground", context: { cluster: "playground", user: name, namespace } }],
    "current-context": "playground",
  };
  writeFileSync(kubeconfigFile, stringify(kubeconfig), { mode: 0o600 });
  return kubeconfigFile;
}

/** Tokens are renewed after two thirds of their lifetime. */
export const RENEW_AFTER_MS = (TOKEN_SECONDS * 1000 * 2) / 3;
