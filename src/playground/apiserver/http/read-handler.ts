import { pipeline } from "node:stream/promises";
import type { createLister } from "../list.ts";
import type { ApiObject } from "../object.ts";
import { badRequest, notFound, notImplemented } from "../refusal.ts";
import { forwardedPort } from "../request-info.ts";
import { parseSelection } from "../selection.ts";
import type { Store } from "../store.ts";
import { startWatch } from "../watch.ts";
import type { Admission } from "../write/admission.ts";
import { namespaceOf, presentationOf, type ResourceExchange } from "./exchange.ts";
import { type PodLog, parseLogRequest } from "./pod-log.ts";
import { scaleOf } from "./scale.ts";

export interface ReadHandlerDeps {
  store: Store;
  list: ReturnType<typeof createLister>;
  /** The output of a container; undefined when no output is kept. */
  podLog: PodLog | undefined;
  forwardsPorts: boolean;
  admission: Admission;
  now: () => Date;
  signal: AbortSignal;
}

/** Serves get, list and watch. */
export function createReadHandler(deps: ReadHandlerDeps) {
  const { store, list, podLog, forwardsPorts, admission, now, signal } = deps;

  function live(exchange: ResourceExchange): ApiObject {
    const { type, info } = exchange;
    const found = store.get(type.storage, namespaceOf(exchange), info.name);
    if (found === undefined) throw notFound(type, info.name);
    return found;
  }

  async function sendLog({ info, response, type }: ResourceExchange, pod: ApiObject): Promise<void> {
    if (podLog === undefined) throw notImplemented(`${type.plural}/log`);
    const { namespace = "", name } = pod.metadata;
    const look = () => store.get(type.storage, namespace, name);
    const logs = podLog(parseLogRequest(pod, info.query, look, signal));
    response.writeHead(200, { "Content-Type": "text/plain" });
    // The log may still be empty. Without the head, a client that follows it would wait.
    response.flushHeaders();
    await pipeline(logs, response).catch((error: NodeJS.ErrnoException) => {
      // A client that follows the log may close the connection at any time.
      if (error.code !== "ERR_STREAM_PREMATURE_CLOSE") throw error;
    });
  }

  /** A real upgrade is served elsewhere, so this refuses the request. As in Kubernetes, admission comes first. */
  async function refuseWithoutUpgrade({ type, info, user }: ResourceExchange): Promise<never> {
    if (!forwardsPorts) throw notImplemented(`${type.plural}/portforward`);
    const { namespace, name, query } = info;
    await admission.connect({ user, namespace, name, port: forwardedPort(query) });
    throw badRequest("Upgrade request required");
  }

  return async function read(exchange: ResourceExchange): Promise<void> {
    const { type, info, answer, response } = exchange;
    if (info.verb === "get") {
      const found = live(exchange);
      if (info.subresource === "portforward") return refuseWithoutUpgrade(exchange);
      if (info.subresource === "log") return sendLog(exchange, found);
      if (info.subresource === "scale") answer.send(200, scaleOf(type, found));
      else answer.send(200, presentationOf(exchange, now).object(found));
      return;
    }
    const selection = parseSelection(type, namespaceOf(exchange), info.query);
    const presentation = presentationOf(exchange, now);
    if (info.verb === "list") return answer.send(200, presentation.list(list(type, selection, info.query)));
    answer.writeWarnings();
    startWatch({
      store,
      type,
      selection,
      query: info.query,
      response,
      present: presentation.event,
      bookmark: presentation.bookmark,
      signal,
    });
  };
}
