import { parseTrust } from "../admission/trust-file.ts";
import { NO_TRUST, type Trust } from "../admission/trust-policy.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP, TRUST_KEY } from "../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import type { OperatorCaches } from "./cache.ts";

/** The trust of ConfigMap catalyst-trust. While its text is invalid, the last valid trust stays in force. */
export function watchTrust(caches: Pick<OperatorCaches, "trust">, logger: Logger): () => Trust {
  let trust = NO_TRUST;
  caches.trust.onChange(({ kind, object }) => {
    if (!isTrustConfigMap(object) || object.metadata.namespace !== SYSTEM_NAMESPACE) return;
    try {
      trust = kind === "deleted" ? NO_TRUST : parseConfigMap(object);
      logger.info({ entries: trust.entries.length }, "the trust was read");
    } catch (error) {
      logger.error(
        { error: errorMessage(error) },
        `ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP} is invalid: the last valid trust stays in force`,
      );
    }
  });
  return () => trust;
}

/** Why the operator would reject the trust in a manifest: an API server takes any text in a ConfigMap. */
export function trustProblems(manifest: object): string[] {
  const object = manifest as KubernetesObject;
  if (object.kind !== "ConfigMap" || !isTrustConfigMap(object)) return [];
  try {
    parseConfigMap(object);
    return [];
  } catch (error) {
    return [`data[${TRUST_KEY}]: ${errorMessage(error).split("\n")[0]}`];
  }
}

const isTrustConfigMap = ({ metadata }: KubernetesObject) => metadata.name === TRUST_CONFIG_MAP;

const parseConfigMap = ({ data }: ConfigMapObject): Trust => parseTrust(data?.[TRUST_KEY] ?? "");
