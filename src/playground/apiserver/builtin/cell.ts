import { ageOf } from "../duration.ts";
import { selectorText } from "../label-selector.ts";
import { type ApiObject, hasCondition, type JsonObject, listOf, recordOf, recordsOf } from "../object.ts";

export type Cells = (
  object: ApiObject,
  parts: { spec: JsonObject; status: JsonObject; age: string; now: Date },
) => unknown[];

export const NONE = "<none>";
export const orNone = (text: string) => (text === "" ? NONE : text);
export const count = (value: unknown) => Number(value ?? 0);
export const mapText = (value: unknown) =>
  Object.entries(recordOf(value))
    .map(([key, item]) => `${key}=${item}`)
    .sort()
    .join(",");

export function workloadImages(template: unknown): [containers: string, images: string] {
  const containers = recordsOf(recordOf(recordOf(template).spec).containers);
  return [containers.map(({ name }) => name).join(","), containers.map(({ image }) => image).join(",")];
}
export const wide = (spec: JsonObject) => [
  ...workloadImages(spec.template),
  selectorText(recordOf(spec.selector)),
];

function subjectNames(object: ApiObject, kind: string): string {
  return recordsOf(object.subjects)
    .filter((subject) => subject.kind === kind)
    .map(({ name, namespace }) => (kind === "ServiceAccount" ? `${namespace ?? ""}/${name}` : `${name}`))
    .join(", ");
}
const roleRefText = ({ roleRef }: ApiObject) => `${recordOf(roleRef).kind}/${recordOf(roleRef).name}`;
export const binding: Cells = (object, { age }) => [
  roleRefText(object),
  age,
  subjectNames(object, "User"),
  subjectNames(object, "Group"),
  subjectNames(object, "ServiceAccount"),
];

export function servicePorts(spec: JsonObject): string {
  return recordsOf(spec.ports)
    .map(({ port, nodePort, protocol }) => `${port}${nodePort ? `:${nodePort}` : ""}/${protocol ?? "TCP"}`)
    .join(",");
}

export function jobCells(
  object: ApiObject,
  spec: JsonObject,
  status: JsonObject,
  age: string,
  now: Date,
): unknown[] {
  const state = hasCondition(object, "Complete")
    ? "Complete"
    : hasCondition(object, "Failed")
      ? "Failed"
      : object.metadata.deletionTimestamp !== undefined
        ? "Terminating"
        : hasCondition(object, "Suspended")
          ? "Suspended"
          : "Running";
  const completions = `${count(status.succeeded)}/${spec.completions ?? (count(spec.parallelism) > 1 ? `1 of ${spec.parallelism}` : 1)}`;
  const end = typeof status.completionTime === "string" ? new Date(status.completionTime) : now;
  const duration = status.startTime === undefined ? "" : ageOf(status.startTime, end);
  return [state, completions, duration, age, ...wide(spec)];
}

export function ingressHosts(spec: JsonObject): string {
  const hosts = recordsOf(spec.rules).map(({ host }) => (host ? String(host) : "*"));
  if (hosts.length === 0) return "*";
  return hosts.length > 3 ? `${hosts.slice(0, 3).join(",")} + ${hosts.length - 3} more...` : hosts.join(",");
}

export function eventCells(object: ApiObject, now: Date): unknown[] {
  const { involvedObject, source, series, firstTimestamp, lastTimestamp, eventTime } = object as JsonObject;
  const about = recordOf(involvedObject);
  const component = String(recordOf(source).component ?? object.reportingComponent ?? "");
  const host = recordOf(source).host;
  const first = firstTimestamp ?? eventTime;
  const last = recordOf(series).lastObservedTime ?? lastTimestamp ?? first;
  return [
    ageOf(last, now),
    object.type ?? "",
    object.reason ?? "",
    `${String(about.kind ?? "").toLowerCase()}/${about.name ?? ""}`,
    about.fieldPath ?? "",
    host ? `${component}, ${host}` : component,
    String(object.message ?? "").trim(),
    ageOf(first, now),
    recordOf(series).count ?? object.count ?? 1,
    object.metadata.name,
  ];
}

export function nodeStatus(spec: JsonObject, status: JsonObject): string {
  const ready = recordsOf(status.conditions).find(({ type }) => type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady"];
  if (spec.unschedulable === true) words.push("SchedulingDisabled");
  return words.join(",");
}

export function endpointList(object: ApiObject): string {
  const all = recordsOf(object.subsets).flatMap(({ addresses, ports }) =>
    recordsOf(addresses).flatMap(({ ip }) =>
      listOf(ports).length === 0 ? [`${ip}`] : recordsOf(ports).map(({ port }) => `${ip}:${port}`),
    ),
  );
  return orNone(all.length > 3 ? `${all.slice(0, 3).join(",")} + ${all.length - 3} more...` : all.join(","));
}

export const created: Cells = (object) => [object.metadata.creationTimestamp];
export const withAge = (
  cell: (object: ApiObject, parts: { spec: JsonObject; status: JsonObject }) => unknown[],
): Cells => {
  return (object, parts) => [...cell(object, parts), parts.age];
};
export const webhooks = withAge((object) => [listOf(object.webhooks).length]);
