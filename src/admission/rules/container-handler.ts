import { isMap, mapOf } from "../../api/object.ts";
import type { Problem } from "./change.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];
const HOOKS = ["postStart", "preStop"];
const REQUESTS = ["httpGet", "tcpSocket"];

/** The kubelet sends the requests of probes and hooks, from the node's network. */
export function handlerEscapes(path: string, container: Record<string, unknown>): Problem[] {
  const probes = handlersOf(path, container, PROBES);
  if (!isMap(container.lifecycle)) return probes.flatMap(handlerEscape);
  return [...probes, ...handlersOf(`${path}.lifecycle`, container.lifecycle, HOOKS)].flatMap(handlerEscape);
}

interface Handler {
  path: string;
  handler: Record<string, unknown>;
}

function handlersOf(path: string, owner: Record<string, unknown>, names: readonly string[]): Handler[] {
  const handlers: Handler[] = [];
  for (const name of names) {
    const handler = owner[name];
    if (isMap(handler)) handlers.push({ path: `${path}.${name}`, handler });
  }
  return handlers;
}

const handlerEscape = ({ path, handler }: Handler): Problem[] =>
  REQUESTS.filter((name) => (mapOf(handler[name]).host ?? "") !== "").map((name) => ({
    path: `${path}.${name}.host`,
    message:
      "the kubelet would send this probe or hook to another host from the node; remove this field, and it goes to the Pod",
    value: mapOf(handler[name]).host,
  }));
