import type { LookupFunction } from "node:net";
import type { KubeConfig } from "@kubernetes/client-node";
import type { KubernetesObject } from "../api/object.ts";
import { type Connection, createConnection } from "./connection.ts";
import { isGone, isNotFound } from "./error.ts";
import { createCall, type Leadership, openExchange, type RawRequest } from "./exchange.ts";
import { apiVersionOf, type ObjectKey, pathOf, type Resource, SERVICE_ACCOUNTS } from "./resource.ts";

export type { Leadership } from "./exchange.ts";

const PAGE_SIZE = 500;

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Requests only the objects' metadata, which the server sends as `PartialObjectMetadata`. */
  metadataOnly?: boolean;
  signal?: AbortSignal;
}

/** The selector of objects that have all of these labels. */
export const labelSelectorOf = (labels: Readonly<Record<string, string>>): string =>
  Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join();

interface ObjectList<T> {
  items?: T[];
  metadata: { resourceVersion: string; continue?: string };
}

interface ListResult<T> {
  items: T[];
  resourceVersion: string;
}

interface ApplyOptions {
  fieldManager: string;
  /** Takes over fields of other managers. Default true, as for every controller. */
  force?: boolean;
  subresource?: string;
  /** Returns the object as the server would store it, and writes nothing. */
  dryRun?: boolean;
}

interface DeleteOptions {
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  /** Deletes only the object with this uid, not a later one of the same name. */
  uid?: string | undefined;
  /** Deletes only this version of the object. */
  resourceVersion?: string;
}

/**
 * The calls that controllers make to an API server. Objects are plain JSON. Each attempt of a call ends within 30 seconds;
 * a stream has no such limit. Errors are `KubeError`s.
 */
export interface KubeClient {
  get<T extends KubernetesObject>(resource: Resource, key: ObjectKey): Promise<T | undefined>;
  /** Lists all pages. */
  list<T extends KubernetesObject>(resource: Resource, options?: ListOptions): Promise<ListResult<T>>;
  /**
   * Lists all pages, and hands on each one as it comes. When the server has compacted the list between two pages, it starts
   * again: `isFirst` is then true once more. Resolves with the list's resourceVersion.
   */
  listPages<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions,
    onPage: (items: T[], isFirst: boolean) => void,
  ): Promise<string>;
  create<T extends KubernetesObject>(resource: Resource, object: T): Promise<T>;
  replace<T extends KubernetesObject>(resource: Resource, object: T, subresource?: string): Promise<T>;
  /** Server-side apply. */
  apply<T extends KubernetesObject>(resource: Resource, object: T, options: ApplyOptions): Promise<T>;
  mergePatch<T extends KubernetesObject>(
    resource: Resource,
    key: ObjectKey,
    patch: object,
    subresource?: string,
  ): Promise<T>;
  /** Returns false when the object does not exist. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /** Creates a short-lived token of a ServiceAccount; the expiry is RFC 3339. */
  createToken(
    key: ObjectKey,
    expirationSeconds: number,
    audiences?: string[],
  ): Promise<{ token: string; expirationTimestamp: string }>;
  request<T>(request: RawRequest): Promise<T>;
  /**
   * The same client for the leader. Once the lease is lost, it neither starts nor repeats a write. Reads are always
   * allowed.
   */
  whileLeading(leadership: Leadership): KubeClient;
  /** Opens a watch as a stream of bytes. The caller ends it with `signal`. */
  openWatch(
    path: string,
    query: RawRequest["query"],
    options: { metadataOnly?: boolean | undefined; signal: AbortSignal },
  ): Promise<AsyncIterable<Uint8Array>>;
  server: string;
  close(): Promise<void>;
}

export function createKubeClient(deps: {
  kubeConfig: KubeConfig;
  userAgent: string;
  lookup?: LookupFunction;
  /** A longer answer fails, and each list is read as one page. For servers that others run. Default: no limit. */
  maxAnswerBytes?: number;
}): KubeClient {
  const { kubeConfig, userAgent, ...options } = deps;
  return clientOver(createConnection(kubeConfig, options), userAgent);
}

function clientOver(connection: Connection, userAgent: string, leadership?: Leadership): KubeClient {
  const call = createCall(connection, userAgent, leadership);
  const listPages = createLister(call, connection.maxAnswerBytes !== undefined);

  return {
    server: connection.server,
    close: () => connection.close(),
    request: call,
    whileLeading: (wanted) => clientOver(connection, userAgent, wanted),
    listPages,
    async list<T extends KubernetesObject>(resource: Resource, options: ListOptions = {}) {
      let items: T[] = [];
      const resourceVersion = await listPages<T>(resource, options, (page, isFirst) => {
        items = isFirst ? page : items.concat(page);
      });
      return { items, resourceVersion };
    },
    async get<T extends KubernetesObject>(resource: Resource, key: ObjectKey): Promise<T | undefined> {
      try {
        return await call<T>({ method: "GET", path: pathOf(resource, key) });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    create: (resource, object) =>
      call({ method: "POST", path: pathOf(resource, scopeOf(object)), body: object }),
    replace: (resource, object, subresource) =>
      call({ method: "PUT", path: pathOf(resource, object.metadata, subresource), body: object }),
    apply: (resource, object, { fieldManager, force = true, subresource, dryRun = false }) =>
      call({
        method: "PATCH",
        path: pathOf(resource, object.metadata, subresource),
        query: { fieldManager, force, dryRun: dryRun ? "All" : undefined },
        contentType: "application/apply-patch+yaml",
        body: object,
      }),
    mergePatch: (resource, key, patch, subresource) =>
      call({
        method: "PATCH",
        path: pathOf(resource, key, subresource),
        contentType: "application/merge-patch+json",
        body: patch,
      }),
    async delete(resource, key, { propagationPolicy = "Background", uid, resourceVersion } = {}) {
      try {
        await call({
          method: "DELETE",
          path: pathOf(resource, key),
          body: {
            apiVersion: "v1",
            kind: "DeleteOptions",
            propagationPolicy,
            // Undefined members are not sent.
            preconditions: { uid, resourceVersion },
          },
        });
        return true;
      } catch (error) {
        if (isNotFound(error)) return false;
        throw error;
      }
    },
    async createToken(key, expirationSeconds, audiences) {
      const { status } = await call<{ status: { token: string; expirationTimestamp: string } }>({
        method: "POST",
        path: pathOf(SERVICE_ACCOUNTS, key, "token"),
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: { expirationSeconds, ...(audiences === undefined ? {} : { audiences }) },
        },
      });
      return status;
    },
    async openWatch(path, query, { metadataOnly, signal }) {
      const accept = metadataOnly ? metadataType("PartialObjectMetadata") : undefined;
      const raw = { method: "GET", path, ...(query === undefined ? {} : { query }), accept, signal } as const;
      return (await openExchange(connection, userAgent, raw)).body;
    },
  };
}

/**
 * `isWhole`: each list must come in one answer. A server could otherwise send pages without end, and fill the memory with
 * short ones.
 */
function createLister(call: ReturnType<typeof createCall>, isWhole: boolean): KubeClient["listPages"] {
  function readPage<T extends KubernetesObject>(
    resource: Resource,
    { namespace, labelSelector, fieldSelector, metadataOnly, signal }: ListOptions,
    position: { limit: number | undefined; continue: string | undefined },
  ): Promise<ObjectList<T>> {
    return call<ObjectList<T>>({
      method: "GET",
      path: pathOf(resource, namespace === undefined ? {} : { namespace }),
      query: { ...position, labelSelector, fieldSelector },
      accept: metadataOnly ? metadataType("PartialObjectMetadataList") : undefined,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async function readPages<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions,
    limit: number | undefined,
    onPage: (items: T[], isFirst: boolean) => void,
  ): Promise<string> {
    // The items of a list have no apiVersion and kind.
    const type = { apiVersion: apiVersionOf(resource), kind: resource.kind };
    let token: string | undefined;
    for (;;) {
      const page = await readPage<T>(resource, options, { limit, continue: token });
      onPage(
        (page.items ?? []).map((item) => ({ ...item, ...type })),
        token === undefined,
      );
      token = page.metadata.continue || undefined;
      if (token === undefined) return page.metadata.resourceVersion;
      if (isWhole) throw new Error(`the server sent a part of its ${resource.plural}, and was asked for all`);
    }
  }

  return async function listPages<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions,
    onPage: (items: T[], isFirst: boolean) => void,
  ) {
    if (isWhole) return readPages<T>(resource, options, undefined, onPage);
    try {
      return await readPages<T>(resource, options, PAGE_SIZE, onPage);
    } catch (error) {
      // The server compacted the list between two pages: list again without pages.
      if (!isGone(error)) throw error;
      return readPages<T>(resource, options, undefined, onPage);
    }
  };
}

/** Accepts no other form. A server that cannot send this one answers 406 instead of sending whole objects. */
const metadataType = (form: string) => `application/json;as=${form};g=meta.k8s.io;v=v1`;

const scopeOf = ({ metadata }: KubernetesObject) =>
  metadata.namespace === undefined ? {} : { namespace: metadata.namespace };
