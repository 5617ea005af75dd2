import type { ServerResponse } from "node:http";
import { afterEach } from "vitest";
import { createKubeClient } from "../../../src/kube/client.ts";
import { createInformer, type Informer, type InformerOptions } from "../../../src/kube/informer.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import {
  listOf,
  type SeenRequest,
  sendJson,
  sendRefusal,
  startScriptedApi,
  type TestConfigMap,
} from "./scripted-api.ts";

export type Answer = (request: SeenRequest, response: ServerResponse) => void;

/**
 * Short retries. Only a test that requests it ends a watch after silence, because a busy machine may delay an answer by
 * seconds.
 */
const PACE = { firstBackoffMs: 5, maxBackoffMs: 40 };

/**
 * Starts informers, each on a server that answers the n-th list and the n-th watch by the n-th answer, and later ones by the
 * last. `received` holds its events: `added a=1` for an object a at resourceVersion 1. Everything is closed after the test.
 */
export function useScriptedInformers() {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return async function follow(
    script: { lists: Answer[]; watches: Answer[] },
    options: InformerOptions<TestConfigMap> = {},
  ) {
    const counts = { lists: 0, watches: 0 };
    const api = await startScriptedApi((request, response) => {
      const isWatch = request.query.get("watch") === "true";
      const answers = isWatch ? script.watches : script.lists;
      const at = isWatch ? counts.watches++ : counts.lists++;
      answers[Math.min(at, answers.length - 1)]?.(request, response);
    });
    const client = createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" });
    const informer: Informer<TestConfigMap> = createInformer<TestConfigMap>(
      { client, logger: createLogger("test", "silent") },
      CONFIG_MAPS,
      { ...options, pace: { ...PACE, ...options.pace } },
    );
    const received: string[] = [];
    informer.onChange(({ kind, object }) =>
      received.push(`${kind} ${object.metadata.name}=${object.metadata.resourceVersion}`),
    );
    const abort = new AbortController();
    const running = informer.run(abort.signal);
    cleanups.push(async () => {
      abort.abort();
      await running;
      await client.close();
      await api.close();
    });
    const watchesFrom = () =>
      api.requests.filter(({ query }) => query.has("watch")).map(({ query }) => query.get("resourceVersion"));
    return { api, informer, received, counts, watchesFrom };
  };
}

export const lists =
  (items: TestConfigMap[], resourceVersion: number): Answer =>
  (_, response) =>
    sendJson(response, 200, listOf(items, resourceVersion));

/** A watch that sends these lines and stays open. */
export const says =
  (...lines: string[]): Answer =>
  (_, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const line of lines) response.write(line);
  };

/** A watch that sends these lines, and whose connection then breaks. */
export const saysAndBreaks =
  (...lines: string[]): Answer =>
  (request, response) => {
    says(...lines)(request, response);
    setTimeout(() => response.socket?.destroy(), 10);
  };

export const refuses =
  (code: number, reason: string, headers = {}): Answer =>
  (_, response) =>
    sendRefusal(response, code, reason, headers);

export const idle = says();
