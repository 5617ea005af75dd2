import { type ApiObject, listOf, recordOf } from "../object.ts";
import { badRequest } from "../refusal.ts";

export interface PodLogRequest {
  namespace: string;
  name: string;
  container: string;
  /** Goes on with what is written later, until the signal. */
  follow: boolean;
  /** The last so many lines; undefined for all. */
  tailLines?: number;
  signal: AbortSignal;
}

/** What a container wrote; undefined when there is nothing of it. */
export type PodLog = (request: PodLogRequest) => AsyncIterable<string | Uint8Array> | undefined;

/** The log that a query asks for; a Pod of several containers must be asked for one of them. */
export function parseLogRequest(pod: ApiObject, query: URLSearchParams, signal: AbortSignal): PodLogRequest {
  const { name, namespace = "" } = pod.metadata;
  const names = listOf(recordOf(pod.spec).containers).map((container) => String(recordOf(container).name));
  const container = query.get("container") || (names.length === 1 ? names[0] : undefined);
  if (container === undefined) {
    throw badRequest(
      `a container name must be specified for pod ${name}, choose one of: [${names.join(" ")}]`,
    );
  }
  if (!names.includes(container)) throw badRequest(`container ${container} is not valid for pod ${name}`);
  const tailLines = query.get("tailLines");
  if (tailLines !== null && !/^\d+$/.test(tailLines)) throw badRequest("tailLines must be a whole number");
  return {
    namespace,
    name,
    container,
    follow: query.get("follow") === "true",
    ...(tailLines === null ? {} : { tailLines: Number(tailLines) }),
    signal,
  };
}
