import type { Pki } from "../certificate.ts";
import type { ApiObject } from "../object.ts";
import { notFound } from "../refusal.ts";
import type { Store } from "../store.ts";
import { type Authenticator, createAuthenticator } from "./authentication.ts";
import { type Authorizer, createAuthorizer } from "./authorization.ts";
import { createReviewHandlers, type ReviewHandler } from "./review.ts";
import { createServiceAccountTokens, type ServiceAccountTokens } from "./token.ts";
import type { TokenRequestDeps } from "./token-request.ts";

const ISSUER = "https://kubernetes.default.svc.cluster.local";

export interface AccessControlDeps {
  store: Store;
  /** Grows with each change in an API group. */
  revision(group: string): number;
  serviceAccountKey: Pki["serviceAccountKey"];
  now: () => Date;
}

export interface AccessControl {
  tokens: ServiceAccountTokens;
  authenticator: Authenticator;
  authorizer: Authorizer;
  reviews: Record<string, ReviewHandler>;
  tokenRequest: TokenRequestDeps;
}

/** Authenticates by certificate or ServiceAccount token, and authorizes by the RBAC objects in the store. */
export function createAccessControl(deps: AccessControlDeps): AccessControl {
  const { store, revision, serviceAccountKey, now } = deps;
  const tokens = createServiceAccountTokens({
    ...serviceAccountKey,
    issuer: ISSUER,
    apiAudiences: [ISSUER],
    findUid: (kind, namespace, name) => store.get(`/${kind.toLowerCase()}s`, namespace, name)?.metadata.uid,
    now,
  });
  const authorizer = createAuthorizer({
    list: (resource) => store.list(`rbac.authorization.k8s.io/${resource}`) as Iterable<never>,
    version: () => revision("rbac.authorization.k8s.io"),
  });
  const authenticator = createAuthenticator({ bearerTokens: new Map(), serviceAccountTokens: tokens });
  return {
    tokens,
    authenticator,
    authorizer,
    reviews: createReviewHandlers({ authenticator, authorizer, apiAudiences: tokens.apiAudiences, now }),
    tokenRequest: {
      tokens,
      get: (resource, namespace, name) => coreObject(store, resource, namespace, name) as never,
      now,
    },
  };
}

/** An object of the core group; throws 404 when there is none. */
export function coreObject(store: Store, resource: string, namespace: string, name: string): ApiObject {
  const found = store.get(`/${resource}`, namespace, name);
  if (found === undefined) throw notFound({ group: "", plural: resource }, name);
  return found;
}
