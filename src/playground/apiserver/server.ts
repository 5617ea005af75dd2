import { join } from "node:path";
import { type AccessControl, createAccessControl } from "./access/access-control.ts";
import { type AuditEvent, auditEvent } from "./access/audit.ts";
import { type Credentials, createCredentials } from "./access/credential.ts";
import { builtinResourceTypes } from "./builtin/resource.ts";
import { openPki, type Pki } from "./certificate.ts";
import { createDiscovery, GIT_VERSION } from "./discovery.ts";
import { startListener } from "./http/listener.ts";
import { createPathHandler } from "./http/path-handler.ts";
import type { PodLog } from "./http/pod-log.ts";
import { type ConnectToPod, createUpgradeHandler } from "./http/port-forward.ts";
import { createGate, createRequestHandler } from "./http/request-handler.ts";
import { createResourceHandler } from "./http/resource-handler.ts";
import { openJournal } from "./journal.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { writeBootstrapObjects } from "./lifecycle/bootstrap.ts";
import { startControllers } from "./lifecycle/controller.ts";
import { createLister } from "./list.ts";
import { consoleLogger, type Logger } from "./logger.ts";
import { createOpenApi } from "./openapi/document.ts";
import { servedResource } from "./openapi/served-resource.ts";
import { createRegistry, type Registry } from "./registry.ts";
import { createRevision } from "./revision.ts";
import { createStore, type Store } from "./store.ts";
import { createWritePath, type WritePath } from "./write/write-path.ts";

export interface ApiServerOptions {
  /** Holds the journal of all objects, and the keys. It is created when absent, readable by its owner only. */
  stateDir: string;
  /** A loopback address; `127.0.0.1` by default. */
  host?: string;
  /** By default, and with 0, a free port. */
  port?: number;
  /** By default, warnings and errors go to stderr. */
  logger?: Logger;
  now?: () => Date;
  /** Serves `kubectl logs`. Without it the server refuses that request with 501. */
  podLog?: PodLog;
  /** Serves `pods/portforward`. Without it the server refuses that request with 501. */
  connectToPod?: ConnectToPod;
  /** Receives an event for each request, before the request is served. By default there is no audit log. */
  audit?: (event: AuditEvent) => void;
  /** Ends watches and controllers; `close` ends the rest. */
  signal?: AbortSignal;
}

export interface ApiServer extends Credentials {
  /** `https://127.0.0.1:6443` */
  url: string;
  caPem: string;
  /** YAML; a client certificate of `kubernetes-admin` in `system:masters`. */
  adminKubeconfig: string;
  /** Ends watches with a last bookmark, lets running answers finish, and closes the journal. */
  close(): Promise<void>;
}

const LOOPBACK = /^(127\.\d+\.\d+\.\d+|::1|localhost)$/;

/** Starts a small Kubernetes API server in this process, on loopback only. */
export async function createApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { stateDir, host = "127.0.0.1", port = 0, logger = consoleLogger, now = () => new Date() } = options;
  if (!LOOPBACK.test(host))
    throw new Error(`the embedded API server listens on loopback only, not on ${host}`);
  const ending = new AbortController();
  const signal =
    options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal]);

  const pki = await openPki({ directory: join(stateDir, "pki"), hosts: [host], now });
  const store = createStore({ journal: openJournal(stateDir) });
  const registry = createRegistry(builtinResourceTypes());
  const revision = createRevision(store);
  const access = createAccessControl({ store, revision, serviceAccountKey: pki.serviceAccountKey, now });
  const write = createWritePath({ store, registry, authorizer: access.authorizer, revision, logger, now });
  writeBootstrapObjects(store, now);
  const { writer, remove } = write;
  const controllers = startControllers({
    ...{ store, registry, writer, remove },
    ...{ caPem: pki.caPem, logger, now, signal },
  });

  const admit = createGate({
    authenticator: access.authenticator,
    authorizer: access.authorizer,
    audit: (attributes, decision) => options.audit?.(auditEvent(attributes, decision, now())),
  });
  let url = "";
  const handler = createHandler({
    ...{ store, registry, access, write, podLog: options.podLog, jwksUri: () => `${url}/openid/v1/jwks` },
    admit,
    forwardsPorts: options.connectToPod !== undefined,
    ...{ logger, now, signal },
  });
  const upgrade = createUpgradeHandler({
    ...{ admit, admission: write.admission, store, logger },
    connectToPod: options.connectToPod,
  });
  const listener = await startListener({ handler, upgrade, host, port, tls: tlsOf(pki) }).catch(
    (error: unknown) => {
      ending.abort();
      store.close();
      throw error;
    },
  );
  url = listener.origin;
  await controllers.namespacesReady();

  const cluster = { name: "kube-apiserver-lite", url, caPem: pki.caPem };
  return {
    url,
    caPem: pki.caPem,
    adminKubeconfig: kubeconfigText(cluster, { name: "kubernetes-admin", clientCertificate: pki.admin }),
    ...createCredentials(store, access.tokens, cluster),
    async close() {
      ending.abort();
      await listener.close();
      await controllers.idle();
      await write.close();
      store.close();
    },
  };
}

const tlsOf = ({ server, caPem }: Pki) => ({ key: server.keyPem, cert: server.certPem, ca: caPem });

interface HandlerDeps {
  store: Store;
  registry: Registry;
  access: AccessControl;
  write: WritePath;
  podLog: PodLog | undefined;
  forwardsPorts: boolean;
  admit: ReturnType<typeof createGate>;
  jwksUri(): string;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}

function createHandler(deps: HandlerDeps) {
  const { store, registry, access, write, podLog, forwardsPorts, admit, jwksUri, logger, now, signal } = deps;
  const openApi = createOpenApi({
    resources: () => registry.all().map(servedResource),
    generation: registry.version,
    gitVersion: GIT_VERSION,
  });
  return createRequestHandler({
    admit,
    registry,
    reviews: access.reviews,
    handlePath: createPathHandler({
      discovery: createDiscovery(registry, { servesPodLogs: podLog !== undefined }),
      openApi,
      tokens: access.tokens,
      jwksUri,
    }),
    handleResource: createResourceHandler({
      store,
      list: createLister({ store, now }),
      writer: write.writer,
      remove: write.remove,
      admission: write.admission,
      podLog,
      forwardsPorts,
      tokenRequest: access.tokenRequest,
      now,
      signal,
    }),
    logger,
  });
}
