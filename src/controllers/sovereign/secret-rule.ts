import { secretValue } from "../../api/object.ts";
import { isDatabaseUrl, isLongKey, MIN_KEY_BYTES } from "../../platform/env.ts";
import type { EnvVariable } from "./desired-pod.ts";
import type { Secrets } from "./secret.ts";

/** A problem that prevents a container from starting: a missing Secret, a missing key, or an invalid value. */
export interface SecretProblem {
  reason: "SecretMissing" | "KeyMissing" | "KeyInvalid";
  message: string;
}

/** The rule for the value of a variable, as the end of `it must …`. Billing refuses other values when it starts. */
const RULES: Record<string, { rule: string; holds(value: string): boolean }> = {
  JWT_SECRET: { rule: `have at least ${MIN_KEY_BYTES} bytes`, holds: isLongKey },
  DATABASE_URL: { rule: "be a postgres:// URL", holds: isDatabaseUrl },
  SERVING_DATABASE_URL: { rule: "be a postgres:// URL", holds: isDatabaseUrl },
};

/** The first problem among the Secrets that these variables refer to. No message contains a value. */
export function findSecretProblem(
  variables: readonly EnvVariable[],
  secrets: Secrets,
  namespace: string,
): SecretProblem | undefined {
  for (const { name: variable, valueFrom } of variables) {
    if (valueFrom === undefined) continue;
    const { name, key, optional = false } = valueFrom.secretKeyRef;
    const { rule, holds } = RULES[variable] ?? { rule: "not be empty", holds: (value) => value !== "" };
    const secret = secrets.get(name);
    const at = `Secret ${namespace}/${name}`;
    if (secret === undefined) {
      if (optional) continue;
      return {
        reason: "SecretMissing",
        message: `${at} does not exist: create it with key ${key}, which must ${rule}`,
      };
    }
    const value = secretValue(secret, key);
    if (value === undefined) {
      if (optional) continue;
      return { reason: "KeyMissing", message: `${at} has no key ${key}: add it; its value must ${rule}` };
    }
    if (!holds(value)) return { reason: "KeyInvalid", message: `${at}, key ${key}: the value must ${rule}` };
  }
  return undefined;
}
