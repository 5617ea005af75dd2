import { createHmac, randomBytes } from "node:crypto";
import { OPERATOR_HASH_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import { secretValue } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { createKeySecret, readKeySecret } from "./stored-key.ts";

const KEY = "hash.key";
const MIN_BYTES = 32;

/**
 * Loads the key with which the operator hashes values of Secrets, or creates it. Without a key, a short password could be
 * guessed from its hash in an annotation. The signing key is not used for this: it rotates, and each new hash restarts
 * Pods.
 */
export async function loadKeyedDigest(client: KubeClient): Promise<(text: string) => string> {
  const stored = secretValue(await readKeySecret(client, OPERATOR_HASH_SECRET), KEY);
  const key = stored ?? (await createHashKey(client)) ?? "";
  if (Buffer.from(key, "base64").length < MIN_BYTES)
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${OPERATOR_HASH_SECRET} has no key of ${MIN_BYTES} bytes under ${KEY}: ` +
        "delete the Secret, and the operator creates a new one and replaces all billing Pods once",
    );
  return (text) => `sha256:${createHmac("sha256", key).update(text).digest("hex")}`;
}

async function createHashKey(client: KubeClient): Promise<string | undefined> {
  const key = randomBytes(MIN_BYTES).toString("base64");
  return secretValue(await createKeySecret(client, OPERATOR_HASH_SECRET, { [KEY]: key }), KEY);
}
