import { parseTrust } from "../admission/trust-file.ts";
import { NO_TRUST, type Trust } from "../admission/trust-policy.ts";
import { SYSTEM_NAMESPACE, TRUST_CONFIG_MAP, TRUST_KEY } from "../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { Gauge, type Registry } from "../platform/metrics.ts";
import type { OperatorCaches } from "./cache.ts";

const NAME = `ConfigMap ${SYSTEM_NAMESPACE}/${TRUST_CONFIG_MAP}`;

/**
 * Reads the trust from ConfigMap catalyst-trust. While its form is invalid, the last valid trust stays in force. A single
 * invalid key is left out.
 */
export function watchTrust(
  caches: Pick<OperatorCaches, "trust">,
  { logger, registry }: { logger: Logger; registry: Registry },
): () => Trust {
  const problemGauge = new Gauge({
    name: "catalyst_trust_problems",
    help: `Invalid parts of ${NAME}, which are not in force. Alert on any.`,
    registers: [registry],
  });
  let trust = NO_TRUST;
  caches.trust.onChange(({ kind, object }) => {
    if (!isTrustConfigMap(object) || object.metadata.namespace !== SYSTEM_NAMESPACE) return;
    try {
      const parsed = parseTrust((kind === "deleted" ? undefined : object.data) ?? {});
      trust = parsed.trust;
      problemGauge.set(parsed.problems.length);
      logger.info(
        { entries: trust.entries.length, trustedRoot: trust.trustedRoot?.digest },
        "the trust was read",
      );
      for (const problem of parsed.problems)
        logger.error({ problem }, `a part of ${NAME} is invalid: it is not in force`);
    } catch (error) {
      problemGauge.set(1);
      logger.error({ error: errorMessage(error) }, `${NAME} is invalid: the last valid trust stays in force`);
    }
  });
  return () => trust;
}

/** The parts of a manifest's trust that the operator would reject. An API server accepts any text in a ConfigMap. */
export function trustProblems(manifest: object): string[] {
  const object = manifest as ConfigMapObject;
  if (object.kind !== "ConfigMap" || !isTrustConfigMap(object)) return [];
  try {
    return parseTrust(object.data ?? {}).problems.map((problem) => `data: ${problem}`);
  } catch (error) {
    return [`data[${TRUST_KEY}]: ${errorMessage(error).split("\n")[0]}`];
  }
}

const isTrustConfigMap = ({ metadata }: KubernetesObject) => metadata.name === TRUST_CONFIG_MAP;
