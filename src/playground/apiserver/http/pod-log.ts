import { type ApiObject, listOf, recordOf } from "../object.ts";
import { badRequest, notImplemented } from "../refusal.ts";

export interface PodLogRequest {
  namespace: string;
  name: string;
  container: string;
  /** Continues with later lines until the signal fires or `goesOn` returns false. */
  follow: boolean;
  /** The number of last lines. Undefined: all lines. */
  tailLines?: number;
  /** Whether the Pod may still write to its log. */
  goesOn(): boolean;
  signal: AbortSignal;
}

/** The log of a container. */
export type PodLog = (request: PodLogRequest) => AsyncIterable<string | Uint8Array>;

/** The options of `kubectl logs` that work here. Lines have no times, and restarts share one log. */
const NOT_SERVED = ["previous", "sinceSeconds", "sinceTime", "timestamps", "limitBytes", "stream"];

/** The log that a query selects. For a Pod with several containers, the query must name one. */
export function parseLogRequest(
  pod: ApiObject,
  query: URLSearchParams,
  live: () => ApiObject | undefined,
  signal: AbortSignal,
): PodLogRequest {
  const { name, namespace = "", uid } = pod.metadata;
  const unserved = NOT_SERVED.find((option) => !["", "false", null].includes(query.get(option)));
  if (unserved !== undefined) throw notImplemented(`${unserved} of pods/log`);
  const container = containerOf(pod, query.get("container"));
  const tailLines = query.get("tailLines");
  if (tailLines !== null && !/^\d+$/.test(tailLines)) throw badRequest("tailLines must be a whole number");
  return {
    namespace,
    name,
    container,
    follow: query.get("follow") === "true",
    ...(tailLines === null ? {} : { tailLines: Number(tailLines) }),
    goesOn() {
      const now = live();
      return (
        now?.metadata.uid === uid && !["Succeeded", "Failed"].includes(String(recordOf(now?.status).phase))
      );
    },
    signal,
  };
}

function containerOf(pod: ApiObject, wanted: string | null): string {
  const { name } = pod.metadata;
  const names = listOf(recordOf(pod.spec).containers).map((container) => String(recordOf(container).name));
  const container = wanted || (names.length === 1 ? names[0] : undefined);
  if (container === undefined) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`,
    );
  }
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  if (!recordOf(pod.spec).nodeName) throw badRequest(`pod ${name} does not have a host assigned`);
  const status = listOf(recordOf(pod.status).containerStatuses)
    .map(recordOf)
    .find((entry) => entry.name === container);
  const { waiting } = recordOf(status?.state);
  if (waiting !== undefined && recordOf(status?.lastState).terminated === undefined) {
    const reason = String(recordOf(waiting).reason ?? "ContainerCreating");
    throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ${reason}`);
  }
  return container;
}
