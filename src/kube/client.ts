import { setTimeout as delay } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import { type Dispatcher, request } from "undici";
import type { KubernetesObject } from "../api/object.ts";
import { errorMessage } from "../platform/errors.ts";
import { createConnection } from "./connection.ts";
import { isNotFound, KubeError, kubeErrorOf } from "./error.ts";
import { type ObjectKey, pathOf, type Resource } from "./resource.ts";

const REQUEST_TIMEOUT_MS = 30_000;
const PAGE_SIZE = 500;
/** Attempts for one call that the server asks to repeat later (429, 503 with Retry-After). */
const MAX_ATTEMPTS = 4;
const MAX_RETRY_AFTER_MS = 10_000;

export interface RawRequest {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Absolute path on the server. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
}

export interface ListOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
}

export interface ListResult<T> {
  items: T[];
  resourceVersion: string;
}

export interface ApplyOptions {
  fieldManager: string;
  /** Takes fields from other managers. Default true: a controller knows what it wants. */
  force?: boolean;
  subresource?: string;
}

export interface DeleteOptions {
  propagationPolicy?: "Background" | "Foreground" | "Orphan";
  uid?: string;
}

/**
 * What controllers ask of an API server. Objects are plain JSON. Every call but `watch` ends within 30 seconds;
 * errors are `KubeError`s.
 */
export interface KubeClient {
  get<T extends KubernetesObject>(resource: Resource, key: ObjectKey): Promise<T | undefined>;
  /** All pages. */
  list<T extends KubernetesObject>(resource: Resource, options?: ListOptions): Promise<ListResult<T>>;
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
  /** Whether the object was there. */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  /** A short-lived token of a ServiceAccount, with its expiry (RFC 3339). */
  createToken(
    key: ObjectKey,
    expirationSeconds: number,
    audiences?: string[],
  ): Promise<{ token: string; expirationTimestamp: string }>;
  request<T>(request: RawRequest): Promise<T>;
  /** Opens a stream of bytes; the caller reads lines and ends it through `signal`. */
  openStream(
    path: string,
    query: RawRequest["query"],
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  server: string;
  close(): Promise<void>;
}

export function createKubeClient(deps: { kubeConfig: KubeConfig; userAgent: string }): KubeClient {
  const connection = createConnection(deps.kubeConfig);

  async function send(raw: RawRequest, accept: string, timeoutMs: number): Promise<Dispatcher.ResponseData> {
    const { method, path, query = {}, body, contentType = "application/json", signal } = raw;
    const url = new URL(path, connection.server);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const { headers, dispatcher } = await connection.authenticate();
    const what = `${method} ${path}`;
    try {
      const response = await request(url, {
        method,
        dispatcher,
        headers: {
          ...headers,
          accept,
          "user-agent": deps.userAgent,
          ...(body === undefined ? {} : { "content-type": contentType }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        headersTimeout: timeoutMs,
        ...(signal === undefined ? {} : { signal }),
      });
      if (response.statusCode < 300) return response;
      throw kubeErrorOf(
        what,
        response.statusCode,
        await response.body.text(),
        headerOf(response, "retry-after"),
      );
    } catch (error) {
      if (error instanceof KubeError || signal?.aborted) throw error;
      throw new KubeError(`${what}: ${errorMessage(error)}`, {
        status: 0,
        reason: "Unreachable",
        cause: error,
      });
    }
  }

  async function call<T>(raw: RawRequest): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const signal = raw.signal === undefined ? timeout : AbortSignal.any([raw.signal, timeout]);
      try {
        const response = await send({ ...raw, signal }, "application/json", REQUEST_TIMEOUT_MS);
        return (await response.body.json()) as T;
      } catch (error) {
        if (timeout.aborted && !raw.signal?.aborted) {
          throw new KubeError(`${raw.method} ${raw.path}: no answer in time`, {
            status: 0,
            reason: "Unreachable",
            cause: error,
          });
        }
        // Asked to come back later, the server has not done the work: repeating is safe for every verb.
        const pauseMs =
          error instanceof KubeError && [429, 503].includes(error.status) ? error.retryAfterMs : undefined;
        if (pauseMs === undefined || attempt === MAX_ATTEMPTS) throw error;
        await delay(Math.min(pauseMs, MAX_RETRY_AFTER_MS), undefined, {
          ...(raw.signal === undefined ? {} : { signal: raw.signal }),
        });
      }
    }
  }

  async function list<T extends KubernetesObject>(
    resource: Resource,
    options: ListOptions = {},
  ): Promise<ListResult<T>> {
    const { namespace, labelSelector, fieldSelector } = options;
    const items: T[] = [];
    let token: string | undefined;
    for (;;) {
      const page = await call<{ items?: T[]; metadata: { resourceVersion: string; continue?: string } }>({
        method: "GET",
        path: pathOf(resource, namespace === undefined ? {} : { namespace }),
        query: { limit: PAGE_SIZE, continue: token, labelSelector, fieldSelector },
      });
      // Items of a list leave out their own kind.
      for (const item of page.items ?? [])
        items.push({ ...item, apiVersion: item.apiVersion ?? apiVersionIn(resource), kind: resource.kind });
      token = page.metadata.continue || undefined;
      if (token === undefined) return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  return {
    server: connection.server,
    close: () => connection.close(),
    request: call,
    list,
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
    apply: (resource, object, { fieldManager, force = true, subresource }) =>
      call({
        method: "PATCH",
        path: pathOf(resource, object.metadata, subresource),
        query: { fieldManager, force },
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
    async delete(resource, key, { propagationPolicy = "Background", uid } = {}) {
      try {
        await call({
          method: "DELETE",
          path: pathOf(resource, key),
          body: {
            apiVersion: "v1",
            kind: "DeleteOptions",
            propagationPolicy,
            ...(uid === undefined ? {} : { preconditions: { uid } }),
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
        path: pathOf(
          { group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts", namespaced: true },
          key,
          "token",
        ),
        body: {
          apiVersion: "authentication.k8s.io/v1",
          kind: "TokenRequest",
          spec: { expirationSeconds, ...(audiences === undefined ? {} : { audiences }) },
        },
      });
      return status;
    },
    async openStream(path, query, signal) {
      const response = await send(
        { method: "GET", path, ...(query === undefined ? {} : { query }), signal },
        "application/json",
        REQUEST_TIMEOUT_MS,
      );
      return response.body;
    },
  };
}

const scopeOf = ({ metadata }: KubernetesObject) =>
  metadata.namespace === undefined ? {} : { namespace: metadata.namespace };

const apiVersionIn = ({ group, version }: Resource) => (group === "" ? version : `${group}/${version}`);

function headerOf(response: Dispatcher.ResponseData, name: string): string | undefined {
  const value = response.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
