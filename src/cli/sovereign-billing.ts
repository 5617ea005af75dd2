import type { KubeConfig } from "@kubernetes/client-node";
import { BILLING } from "../api/name.ts";
import { type SecretObject, secretValue } from "../api/object.ts";
import { SOVEREIGN, type Sovereign } from "../api/sovereign.ts";
import { signSharedSecretToken } from "../billing/auth/shared-secret-token.ts";
import { namespaceOf, ownershipLabels, selectorLabels } from "../controllers/sovereign/desired-metadata.ts";
import { isReadyPod, type PodObject } from "../controllers/sovereign/observed.ts";
import { createKubeClient, type KubeClient, labelSelectorOf } from "../kube/client.ts";
import { openPodPort } from "../kube/port-forward.ts";
import { PODS, SECRETS } from "../kube/resource.ts";
import { whoAmI } from "../kube/self-review.ts";
import { readNamed } from "./named-object.ts";

/** A connection to a Sovereign's voucher API through the API server, with the person's own rights. */
export interface BillingConnection {
  baseUrl: string;
  fetch: typeof fetch;
  /** Signs a sovereign-admin's token with the Sovereign's key. Its user is the person's name in the cluster. */
  signToken(): Promise<string>;
  close(): Promise<void>;
}

/** Connects to a ready Pod of the Sovereign. It is found by labels that only the platform may write. */
export async function connectToBilling(
  kubeConfig: KubeConfig,
  name: string,
  userAgent: string,
): Promise<BillingConnection> {
  refuseUnverified(kubeConfig);
  const client = createKubeClient({ kubeConfig, userAgent });
  try {
    const sovereign = await readNamed<Sovereign>(client, SOVEREIGN, name);
    const pod = await findReadyPod(client, sovereign);
    const port = openPodPort(kubeConfig, pod, BILLING.port);
    return {
      baseUrl: `http://${pod.name}.${pod.namespace}`,
      fetch: port.fetch,
      async signToken() {
        const [secret, userId] = await Promise.all([readSigningKey(client, sovereign), whoAmI(client)]);
        const person = { role: "sovereign-admin", userId, email: "" } as const;
        return signSharedSecretToken({ ...person, now: new Date() }, secret);
      },
      async close() {
        await port.close();
        await client.close();
      },
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

/** Refuses to send a token of the voucher API to a server whose certificate is not verified. */
function refuseUnverified(kubeConfig: KubeConfig): void {
  const { server = "", skipTLSVerify = false } = kubeConfig.getCurrentCluster() ?? {};
  if (!server.startsWith("https:") || skipTLSVerify)
    throw new Error(
      `the kubeconfig does not verify ${server}, and a token must not go there: use https and certificate-authority, without insecure-skip-tls-verify`,
    );
}

/** The Pods and Secrets of a Sovereign with `cluster` are on that cluster. */
function refuseOtherCluster({ metadata, spec }: Sovereign): void {
  if (spec.cluster !== undefined)
    throw new Error(
      `Sovereign ${metadata.name} runs on a cluster of its own: use a kubeconfig of that cluster, with --kubeconfig or --context`,
    );
}

async function findReadyPod(client: KubeClient, sovereign: Sovereign) {
  const { name } = sovereign.metadata;
  refuseOtherCluster(sovereign);
  const namespace = namespaceOf(sovereign);
  const labels = { ...ownershipLabels(sovereign), ...selectorLabels("billing") };
  const { items } = await client.list<PodObject>(PODS, { namespace, labelSelector: labelSelectorOf(labels) });
  const ready = items.find(isReadyPod);
  if (ready === undefined)
    throw new Error(
      `Sovereign ${name} has no billing Pod that is ready: see catalyst status sovereign ${name}`,
    );
  return { name: ready.metadata.name, namespace };
}

/** Reads the HS256 key with which the Sovereign verifies tokens. */
export async function readSigningKey(client: KubeClient, sovereign: Sovereign): Promise<string> {
  const { secretRef, issuer } = sovereign.spec.billing.auth;
  const { name } = sovereign.metadata;
  if (secretRef === undefined)
    throw new Error(`Sovereign ${name} has no HS256 key: sign in at its issuer, ${issuer}`);
  refuseOtherCluster(sovereign);
  const namespace = namespaceOf(sovereign);
  const key = secretRef.key ?? "secret";
  const secret = await client.get<SecretObject>(SECRETS, { name: secretRef.name, namespace });
  const value = secretValue(secret, key);
  if (value === undefined)
    throw new Error(`Secret ${namespace}/${secretRef.name} has no key ${key}: create it`);
  return value;
}
