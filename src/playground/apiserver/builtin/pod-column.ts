import { ageOf } from "../duration.ts";
import { type ApiObject, type JsonObject, listOf, recordOf, recordsOf } from "../object.ts";
import { NONE } from "./cell.ts";

/** The cells of a Pod's row after its name, as kubectl prints them: ready, status, restarts, age and the wide columns. */
export function podCells(pod: ApiObject, age: string, now: Date): unknown[] {
  const spec = recordOf(pod.spec);
  const status = recordOf(pod.status);
  const statuses = recordsOf(status.containerStatuses);
  const ready = statuses.filter((container) => container.ready === true).length;
  const gates = recordsOf(spec.readinessGates);
  return [
    `${ready}/${listOf(spec.containers).length}`,
    statusWord(pod, status, statuses),
    restartText(statuses, now),
    age,
    status.podIP ?? NONE,
    spec.nodeName ?? NONE,
    status.nominatedNodeName ?? NONE,
    gates.length === 0 ? NONE : gatesText(gates, recordsOf(status.conditions)),
  ];
}

function statusWord(pod: ApiObject, status: JsonObject, statuses: readonly JsonObject[]): string {
  if (pod.metadata.deletionTimestamp !== undefined) return "Terminating";
  const initialization = initializationWord(pod, recordsOf(status.initContainerStatuses));
  if (initialization !== undefined) return initialization;
  let word = String(status.reason ?? status.phase ?? "Unknown");
  let running = false;
  for (const container of statuses) {
    const { terminated, waiting } = recordOf(container.state) as Record<string, JsonObject | undefined>;
    if (waiting?.reason) word = String(waiting.reason);
    else if (terminated !== undefined) {
      word = String(
        terminated.reason ??
          (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`),
      );
    } else if (container.ready === true && recordOf(container.state).running !== undefined) running = true;
  }
  return word === "Completed" && running ? "Running" : word;
}

/** The state of the first init container that has not succeeded; undefined when all have. */
function initializationWord(pod: ApiObject, statuses: readonly JsonObject[]): string | undefined {
  for (const [index, container] of statuses.entries()) {
    const { terminated, waiting } = recordOf(container.state) as Record<string, JsonObject | undefined>;
    if (terminated?.exitCode === 0) continue;
    if (terminated !== undefined) return `Init:${terminated.reason ?? `ExitCode:${terminated.exitCode}`}`;
    if (waiting?.reason !== undefined && waiting.reason !== "PodInitializing")
      return `Init:${waiting.reason}`;
    return `Init:${index}/${listOf(recordOf(pod.spec).initContainers).length}`;
  }
  return undefined;
}

function restartText(statuses: readonly JsonObject[], now: Date): string {
  const restarts = statuses.reduce((sum, container) => sum + Number(container.restartCount ?? 0), 0);
  const finished = statuses
    .map((container) => recordOf(recordOf(container.lastState).terminated).finishedAt)
    .filter((at): at is string => typeof at === "string")
    .sort();
  const last = finished.at(-1);
  return restarts === 0 || last === undefined ? `${restarts}` : `${restarts} (${ageOf(last, now)} ago)`;
}

function gatesText(gates: readonly JsonObject[], conditions: readonly JsonObject[]): string {
  const met = gates.filter(({ conditionType }) =>
    conditions.some(({ type, status }) => type === conditionType && status === "True"),
  ).length;
  return `${met}/${gates.length}`;
}
