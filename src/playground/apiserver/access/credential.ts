import { type KubeconfigCluster, kubeconfigText } from "../kubeconfig.ts";
import type { Store } from "../store.ts";
import { coreObject } from "./access-control.ts";
import type { ServiceAccountTokens, TokenGrant } from "./token.ts";

const TOKEN_LIFE_SECONDS = 3_600;

export interface Credentials {
  /** Returns a kubeconfig (YAML) that authenticates as a service account. The token lives one hour by default. */
  serviceAccountKubeconfig(namespace: string, name: string, expirationSeconds?: number): Promise<string>;
  /** Returns a token like a TokenRequest. Throws 404 when the ServiceAccount does not exist. */
  mintServiceAccountToken(
    namespace: string,
    name: string,
    options?: Partial<Pick<TokenGrant, "audiences" | "expirationSeconds">>,
  ): Promise<string>;
}

/** Makes credentials of service accounts without a request to the server. */
export function createCredentials(
  store: Store,
  tokens: ServiceAccountTokens,
  cluster: KubeconfigCluster,
): Credentials {
  const credentials: Credentials = {
    async mintServiceAccountToken(namespace, name, { audiences, expirationSeconds } = {}) {
      const account = coreObject(store, "serviceaccounts", namespace, name);
      const { token } = await tokens.mint({
        namespace,
        serviceAccount: { name, uid: account.metadata.uid },
        audiences: audiences ?? tokens.apiAudiences,
        expirationSeconds: expirationSeconds ?? TOKEN_LIFE_SECONDS,
      });
      return token;
    },

    async serviceAccountKubeconfig(namespace, name, expirationSeconds = TOKEN_LIFE_SECONDS) {
      const token = await credentials.mintServiceAccountToken(namespace, name, { expirationSeconds });
      return kubeconfigText(cluster, { name: `${namespace}-${name}`, token });
    },
  };
  return credentials;
}
