import type { KubernetesObject } from "../../api/object.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import type { Resource } from "../../kube/resource.ts";
import type { Container, Pod } from "./pod.ts";

/** Kinds that an API server takes and that nobody acts on here. */
export const UNATTENDED: readonly Resource[] = [
  { group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", namespaced: true },
  { group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets", namespaced: true },
  { group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs", namespaced: true },
];

/** Says of each object of such a kind, on itself, that nothing will come of it. */
export function warnOfUnattended(
  informers: readonly Informer<KubernetesObject>[],
  events: EventRecorder,
): void {
  for (const informer of informers) {
    const { kind, group, version } = informer.resource;
    informer.onChange((event) => {
      if (event.kind !== "added") return;
      const about = { apiVersion: `${group}/${version}`, kind, metadata: event.object.metadata };
      events.record(
        about,
        "Warning",
        "Unsupported",
        `nothing acts on a ${kind} here: the playground runs Deployments, ReplicaSets, Jobs and Pods`,
      );
    });
  }
}

/** What a Pod asks for and the runner does not do; undefined when it can run it as it is written. */
export function unsupportedInPod({ spec }: Pod): string | undefined {
  const [container] = spec.containers;
  if (container === undefined || spec.containers.length > 1 || (spec.initContainers?.length ?? 0) > 0)
    return "the playground runs Pods of one container, without init containers";
  const found = [
    ...(["envFrom", "lifecycle", "workingDir"] as const).filter((field) => container[field] !== undefined),
    ...(["startupProbe", "livenessProbe", "readinessProbe"] as const).flatMap((field) =>
      unknownProbe(container, field),
    ),
  ][0];
  return found === undefined ? undefined : `the playground's runner does not know ${found} of a container`;
}

function unknownProbe(
  container: Container,
  field: "startupProbe" | "livenessProbe" | "readinessProbe",
): string[] {
  const probe = container[field];
  return (["exec", "grpc"] as const)
    .filter((kind) => probe?.[kind] !== undefined)
    .map((kind) => `${field}.${kind}`);
}
