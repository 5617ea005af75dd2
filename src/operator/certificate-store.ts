import { commonAuthorities } from "../admission/certificate/bundle.ts";
import type { ServingCertificates } from "../admission/certificate/certificate.ts";
import type { CertificateStore } from "../admission/certificate/issuer.ts";
import type { PublishedAuthorities } from "../admission/certificate/rotator.ts";
import { publishedBundles } from "../admission/webhook-configuration.ts";
import { SYSTEM_NAMESPACE, WEBHOOK_CONFIGURATION, WEBHOOK_TLS_SECRET } from "../api/name.ts";
import { type KubernetesObject, type SecretObject, secretValue } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isConflict, isInvalid, isNotFound } from "../kube/error.ts";
import type { Informer } from "../kube/informer.ts";
import { SECRETS } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";

const KEY = { name: WEBHOOK_TLS_SECRET, namespace: SYSTEM_NAMESPACE };
const FILES: Record<keyof ServingCertificates, string> = {
  caBundle: "ca-bundle.crt",
  caCertificate: "ca.crt",
  caKey: "ca.key",
  certificate: "tls.crt",
  key: "tls.key",
};
const PARTS = Object.entries(FILES) as [keyof ServingCertificates, string][];

/**
 * Stores the certificates of all replicas in one Secret. `secrets` reports changes. Reads go to the API server, because a
 * write must follow the newest version.
 */
export function createCertificateStore(
  client: KubeClient,
  secrets: Informer<SecretObject>,
): CertificateStore {
  return {
    async read() {
      const secret = await client.get<SecretObject>(SECRETS, KEY);
      const stored = Object.fromEntries(PARTS.map(([part, file]) => [part, secretValue(secret, file) ?? ""]));
      return { stored, version: secret?.metadata.resourceVersion };
    },
    async write(certificates, version) {
      const secret: SecretObject = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { ...KEY, ...(version === undefined ? {} : { resourceVersion: version }) },
        type: "Opaque",
        data: Object.fromEntries(
          PARTS.map(([part, file]) => [file, Buffer.from(certificates[part]).toString("base64")]),
        ),
      };
      try {
        await (version === undefined ? client.create(SECRETS, secret) : client.replace(SECRETS, secret));
        return true;
      } catch (error) {
        if (isAlreadyExists(error) || isConflict(error) || isNotFound(error)) return false;
        // For example, a person has set `immutable`.
        if (isInvalid(error))
          throw new Error(
            `${errorMessage(error)}: delete Secret ${SYSTEM_NAMESPACE}/${WEBHOOK_TLS_SECRET}, and the operator makes another one`,
            { cause: error },
          );
        throw error;
      }
    },
    onChange: (handler, signal) => secrets.onChange(handler, signal),
  };
}

/** The CAs that API servers trust, from the webhook configuration. */
export function createPublishedAuthorities(configurations: Informer<KubernetesObject>): PublishedAuthorities {
  return {
    current: () => commonAuthorities(publishedBundles(configurations.get(WEBHOOK_CONFIGURATION))),
    onChange: (handler, signal) =>
      configurations.onChange(({ object }) => {
        if (object.metadata.name === WEBHOOK_CONFIGURATION) handler();
      }, signal),
  };
}
