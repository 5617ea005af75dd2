import { join } from "node:path";
import { startHttpServer } from "../../platform/http-server.ts";
import type { Logger } from "../../platform/log.ts";
import { createAuthenticator } from "./access/authentication.ts";
import { createAuthorizer } from "./access/authorization.ts";
import { createReviewHandlers } from "./access/review.ts";
import { createServiceAccountTokens, type TokenGrant } from "./access/token.ts";
import { createAdmissionChain } from "./admission/chain.ts";
import { builtinResourceTypes } from "./builtin/resource.ts";
import { createBuiltinAdmission, createGuard } from "./builtin-admission.ts";
import { openPki } from "./certificate.ts";
import { createDiscovery, GIT_VERSION } from "./discovery.ts";
import { createPathHandler } from "./http/path-handler.ts";
import type { PodLog } from "./http/pod-log.ts";
import { createRequestHandler } from "./http/request-handler.ts";
import { createResourceHandler } from "./http/resource-handler.ts";
import { openJournal } from "./journal.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { writeBootstrapObjects } from "./lifecycle/bootstrap.ts";
import { startCustomResources } from "./lifecycle/custom-resource.ts";
import { startEventExpiry } from "./lifecycle/event-expiry.ts";
import { startGarbageCollector } from "./lifecycle/garbage-collection.ts";
import { startNamespaceLifecycle } from "./lifecycle/namespace-lifecycle.ts";
import { createLister } from "./list.ts";
import type { ApiObject } from "./object.ts";
import { createOpenApi } from "./openapi/document.ts";
import { jsonPatch } from "./patch/json-patch.ts";
import { notFound } from "./refusal.ts";
import { createRegistry } from "./registry.ts";
import { createRevision } from "./revision.ts";
import { resolveServiceIn } from "./service-resolver.ts";
import { createStore } from "./store.ts";
import { createAdmission } from "./write/admission.ts";
import { createDeleter } from "./write/deletion.ts";
import { shapeObject } from "./write/shape.ts";
import { createWriter } from "./write/writer.ts";

export interface ApiServerOptions {
  /** Holds the journal of all objects and the keys; made when it is not there, readable by its owner alone. */
  stateDir: string;
  host: string;
  /** 0 takes a free port. */
  port: number;
  logger: Logger;
  now: () => Date;
  /** Serves `kubectl logs`; without it that is refused. */
  podLog?: PodLog;
  /** Ends watches and controllers; `close` ends the rest. */
  signal: AbortSignal;
}

export interface ApiServer {
  /** `https://127.0.0.1:6443` */
  url: string;
  caPem: string;
  /** YAML; a client certificate of `kubernetes-admin` in `system:masters`. */
  adminKubeconfig: string;
  /** YAML of a kubeconfig that speaks as a service account. */
  serviceAccountKubeconfig(namespace: string, name: string, expirationSeconds?: number): Promise<string>;
  /** A token as TokenRequest gives it; 404 when there is no such account. */
  mintServiceAccountToken(
    namespace: string,
    name: string,
    options?: Partial<Pick<TokenGrant, "audiences" | "expirationSeconds">>,
  ): Promise<string>;
  /** Ends watches with a last bookmark, lets answers under way finish, closes the journal. */
  close(): Promise<void>;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;
const ISSUER = "https://kubernetes.default.svc.cluster.local";
const TOKEN_LIFE_SECONDS = 3_600;

/** A small Kubernetes API server in this process, on loopback only. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { stateDir, host, port, logger, now } = options;
  if (!LOOPBACK.test(host))
    throw new Error(`the embedded API server listens on loopback only, not on ${host}`);
  const ending = new AbortController();
  const signal = AbortSignal.any([options.signal, ending.signal]);
  const onError = (what: string, error: unknown) => logger.warn({ err: error }, `${what}: will try again`);

  const pki = await openPki({ directory: join(stateDir, "pki"), hosts: [host], now });
  const store = createStore({ journal: openJournal(stateDir) });
  const registry = createRegistry(builtinResourceTypes());
  const revision = createRevision(store);
  const find = (storage: string, namespace: string, name: string) => store.get(storage, namespace, name);

  const tokens = createServiceAccountTokens({
    ...pki.serviceAccountKey,
    issuer: ISSUER,
    apiAudiences: [ISSUER],
    findUid: (kind, namespace, name) => find(`/${kind.toLowerCase()}s`, namespace, name)?.metadata.uid,
    now,
  });
  const authorizer = createAuthorizer({
    list: (resource) => store.list(`rbac.authorization.k8s.io/${resource}`) as Iterable<never>,
    version: () => revision("rbac.authorization.k8s.io"),
  });
  const authenticator = createAuthenticator({ bearerTokens: new Map(), serviceAccountTokens: tokens });
  const chain = createAdmissionChain({
    authorizer,
    list: (resource) => store.list(`admissionregistration.k8s.io/${resource}`),
    version: () => revision("admissionregistration.k8s.io"),
    applyJsonPatch: (object, operations) => jsonPatch(object, [...operations]),
    applyDefaults(object, { resource }) {
      const type = registry.find(resource.group, resource.version, resource.resource);
      if (type !== undefined)
        shapeObject(object as ApiObject, { type, fieldValidation: "Ignore", warn: () => {} });
    },
    namespace: (name) => find("/namespaces", "", name),
    equivalents: ({ group, version, resource }) =>
      registry
        .all()
        .filter((type) => type.group === group && type.plural === resource && type.version !== version)
        .map((type) => ({ group, version: type.version, resource })),
    resolveService: resolveServiceIn(store),
    onIgnoredFailure: (webhook, error) =>
      logger.warn({ err: error, webhook }, "a webhook failed and was passed over"),
  });
  const admission = createAdmission(chain);
  const writer = createWriter({
    store,
    admission,
    complete: createBuiltinAdmission(store),
    guard: createGuard(authorizer),
    now,
  });
  const remove = createDeleter({ store, admission, now });

  writeBootstrapObjects(store, now);
  const custom = startCustomResources({ store, registry, remove, now, onError, signal });
  const collector = startGarbageCollector({ store, registry, remove, onError, signal });
  const namespaces = startNamespaceLifecycle({
    store,
    registry,
    create: writer.create,
    remove,
    caPem: pki.caPem,
    now,
    onError,
    signal,
  });
  startEventExpiry({ store, now, signal });

  let url = "";
  const openApi = createOpenApi({
    resources: () =>
      registry.all().map((type) => ({
        group: type.group,
        version: type.version,
        kind: type.kind,
        resource: type.plural,
        namespaced: type.namespaced,
        verbs: type.verbs,
        ...(type.custom === undefined || type.schema === undefined ? {} : { schema: type.schema }),
      })),
    generation: registry.version,
    gitVersion: GIT_VERSION,
  });
  const handler = createRequestHandler({
    authenticator,
    authorizer,
    registry,
    reviews: createReviewHandlers({ authenticator, authorizer, apiAudiences: tokens.apiAudiences, now }),
    handlePath: createPathHandler({
      discovery: createDiscovery(registry, { servesPodLogs: options.podLog !== undefined }),
      openApi,
      tokens,
      jwksUri: () => `${url}/openid/v1/jwks`,
    }),
    handleResource: createResourceHandler({
      store,
      list: createLister({ store, now }),
      writer,
      remove,
      podLog: options.podLog,
      tokenRequest: {
        tokens,
        get(resource, namespace, name) {
          const found = find(`/${resource}`, namespace, name);
          if (found === undefined) throw notFound({ group: "", plural: resource }, name);
          return found as never;
        },
        now,
      },
      now,
      signal,
    }),
    logger,
  });
  const server = await startHttpServer({
    handler,
    host,
    port,
    tls: { key: pki.server.keyPem, cert: pki.server.certPem, ca: pki.caPem, requestCert: true },
  }).catch((error: unknown) => {
    ending.abort();
    store.close();
    throw error;
  });
  url = server.origin;
  const cluster = { name: "catalyst-playground", url, caPem: pki.caPem };
  await namespaces.idle();

  const api: ApiServer = {
    url,
    caPem: pki.caPem,
    adminKubeconfig: kubeconfigText(cluster, { name: "kubernetes-admin", clientCertificate: pki.admin }),

    async mintServiceAccountToken(namespace, name, { audiences, expirationSeconds } = {}) {
      const account = find("/serviceaccounts", namespace, name);
      if (account === undefined) throw notFound({ group: "", plural: "serviceaccounts" }, name);
      const { token } = await tokens.mint({
        namespace,
        serviceAccount: { name, uid: account.metadata.uid },
        audiences: audiences ?? tokens.apiAudiences,
        expirationSeconds: expirationSeconds ?? TOKEN_LIFE_SECONDS,
      });
      return token;
    },

    async serviceAccountKubeconfig(namespace, name, expirationSeconds = TOKEN_LIFE_SECONDS) {
      const token = await api.mintServiceAccountToken(namespace, name, { expirationSeconds });
      return kubeconfigText(cluster, { name: `${namespace}-${name}`, token });
    },

    async close() {
      ending.abort();
      await server.close();
      await Promise.all([custom.idle(), collector.idle(), namespaces.idle()]);
      await chain.close();
      store.close();
    },
  };
  return api;
}
