import { generateKeyPairSync } from "node:crypto";
import { OPERATOR_KEY_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { SecretObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists } from "../kube/error.ts";
import { SECRETS } from "../kube/resource.ts";
import { createOperatorKey, type OperatorKey } from "./operator-token.ts";

const SECRET = { name: OPERATOR_KEY_SECRET, namespace: SYSTEM_NAMESPACE };
const KEY = "key.pem";

/** Reads the operator's signing key from its Secret, or creates the Secret. All replicas share the key. */
export async function loadOperatorKey(client: KubeClient): Promise<OperatorKey> {
  const stored = (await readKey(client)) ?? (await createKey(client)) ?? "";
  try {
    return await createOperatorKey(Buffer.from(stored, "base64").toString());
  } catch (cause) {
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_KEY_SECRET} has no P-256 private key under ${KEY}: ` +
        "delete the Secret, and the operator creates a new key",
      { cause },
    );
  }
}

async function readKey(client: KubeClient): Promise<string | undefined> {
  return (await client.get<SecretObject>(SECRETS, SECRET))?.data?.[KEY];
}

/** The key that is stored afterwards. When another replica creates the Secret first, that replica's key counts. */
async function createKey(client: KubeClient): Promise<string | undefined> {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  try {
    await client.create<SecretObject>(SECRETS, {
      apiVersion: "v1",
      kind: "Secret",
      metadata: SECRET,
      type: "Opaque",
      data: { [KEY]: Buffer.from(pem).toString("base64") },
    });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
  return readKey(client);
}
