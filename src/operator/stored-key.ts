import { SYSTEM_NAMESPACE } from "../api/name.ts";
import type { SecretObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists } from "../kube/error.ts";
import { SECRETS } from "../kube/resource.ts";

/** Reads a Secret, in the operator's namespace, whose keys all replicas share. */
export function readKeySecret(client: KubeClient, name: string): Promise<SecretObject | undefined> {
  return client.get<SecretObject>(SECRETS, { name, namespace: SYSTEM_NAMESPACE });
}

/**
 * Creates the Secret, and returns the stored one. When another replica creates it first, that replica's texts are returned.
 */
export async function createKeySecret(
  client: KubeClient,
  name: string,
  texts: Readonly<Record<string, string>>,
): Promise<SecretObject | undefined> {
  const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  try {
    await client.create<SecretObject>(SECRETS, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name, namespace: SYSTEM_NAMESPACE },
      type: "Opaque",
      data: Object.fromEntries(encoded),
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return readKeySecret(client, name);
}
