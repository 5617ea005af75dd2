import { SYSTEM_NAMESPACE } from "../api/name.ts";
import type { SecretObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists } from "../kube/error.ts";
import { SECRETS } from "../kube/resource.ts";

/** A key that all replicas share: a Secret in the operator's namespace, and the key in it. */
export interface StoredKey {
  secret: string;
  key: string;
}

/** The stored text; undefined without Secret or key. */
export async function readKey(client: KubeClient, { secret, key }: StoredKey): Promise<string | undefined> {
  const metadata = { name: secret, namespace: SYSTEM_NAMESPACE };
  return keyIn(await client.get<SecretObject>(SECRETS, metadata), key);
}

export function keyIn(secret: SecretObject | undefined, key: string): string | undefined {
  const stored = secret?.data?.[key];
  return stored === undefined ? undefined : Buffer.from(stored, "base64").toString();
}

/** Creates the Secret, and returns what is stored afterwards. When another replica creates it first, that replica's key counts. */
export async function createKey(
  client: KubeClient,
  { secret, key }: StoredKey,
  value: string,
): Promise<string | undefined> {
  try {
    await client.create<SecretObject>(SECRETS, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: secret, namespace: SYSTEM_NAMESPACE },
      type: "Opaque",
      data: { [key]: Buffer.from(value).toString("base64") },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return readKey(client, { secret, key });
}
