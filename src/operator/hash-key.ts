import { createHmac, randomBytes } from "node:crypto";
import { OPERATOR_HASH_SECRET, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { KubeClient } from "../kube/client.ts";
import { createKey, readKey } from "./stored-key.ts";

const STORED = { secret: OPERATOR_HASH_SECRET, key: "hash.key" };
const MIN_BYTES = 32;

/**
 * Loads the key with which the operator hashes values of Secrets, or creates it. The hash of a short password in an annotation
 * could be guessed without a key. It is not the signing key: that one rotates, and each other hash restarts Pods.
 */
export async function loadKeyedDigest(client: KubeClient): Promise<(text: string) => string> {
  const key =
    (await readKey(client, STORED)) ??
    (await createKey(client, STORED, randomBytes(MIN_BYTES).toString("base64"))) ??
    "";
  if (Buffer.from(key, "base64").length < MIN_BYTES)
    throw new Error(
      `Secret ${SYSTEM_NAMESPACE}/${STORED.secret} has no key of ${MIN_BYTES} bytes under ${STORED.key}: ` +
        "delete the Secret, and the operator creates a new one and replaces all billing Pods once",
    );
  return (text) => `sha256:${createHmac("sha256", key).update(text).digest("hex")}`;
}
