import type { KubernetesObject } from "../../api/object.ts";
import type { EventRecorder } from "../../kube/event.ts";
import type { Informer } from "../../kube/informer.ts";
import type { Resource } from "../../kube/resource.ts";
import type { Container, Pod } from "./pod.ts";

/** Kinds that the API server accepts and the runner does not run. */
export const UNSUPPORTED_KINDS: readonly Resource[] = [
  { group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets", namespaced: true },
  { group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets", namespaced: true },
  { group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs", namespaced: true },
];

/** Records an Event on each object of a kind that the runner does not run. */
export function warnAboutUnsupportedKinds(
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
        `the playground does not run a ${kind}: it runs Deployments, ReplicaSets, Jobs and Pods`,
      );
    });
  }
}

/** Why the runner cannot run a Pod; undefined when it can. */
export function unsupportedInPod({ spec }: Pod): string | undefined {
  const [container] = spec.containers;
  if (container === undefined || spec.containers.length > 1 || (spec.initContainers?.length ?? 0) > 0)
    return "the playground runs Pods that have one container and no init containers";
  const found = [
    ...(["envFrom", "lifecycle", "workingDir"] as const).filter((field) => container[field] !== undefined),
    ...(["startupProbe", "livenessProbe", "readinessProbe"] as const).flatMap((field) =>
      unsupportedProbe(container, field),
    ),
  ][0];
  return found === undefined ? undefined : `the playground's runner does not support ${found} of a container`;
}

function unsupportedProbe(
  container: Container,
  field: "startupProbe" | "livenessProbe" | "readinessProbe",
): string[] {
  const probe = container[field];
  return (["exec", "grpc"] as const)
    .filter((kind) => probe?.[kind] !== undefined)
    .map((kind) => `${field}.${kind}`);
}
