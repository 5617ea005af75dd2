import type { KubernetesObject } from "../../api/object.ts";
import type { ContainerStatus, JobObject, PodObject } from "./observed.ts";

/**
 * The parts of a Pod that the cache keeps. Pods were a third of the cached data of a Sovereign, and most of a Pod repeats
 * the template of its Deployment.
 */
export function leanPod({ apiVersion, kind, metadata, spec, status }: PodObject): PodObject {
  const containers = spec?.containers.map(({ name, image }) => ({ name, image }));
  return {
    ...{ apiVersion, kind, metadata: leanMetadata(metadata) },
    ...(containers === undefined ? {} : { spec: { containers } }),
    ...(status === undefined ? {} : { status: leanStatus(status) }),
  };
}

function leanStatus(status: NonNullable<PodObject["status"]>): NonNullable<PodObject["status"]> {
  const lean = (statuses: ContainerStatus[]) =>
    statuses.map((each) => present(each, ["name", "image", "state", "lastState"]));
  const { initContainerStatuses, containerStatuses } = status;
  return {
    ...present(status, ["phase", "podIP", "conditions"]),
    ...(initContainerStatuses === undefined ? {} : { initContainerStatuses: lean(initContainerStatuses) }),
    ...(containerStatuses === undefined ? {} : { containerStatuses: lean(containerStatuses) }),
  };
}

/** The parts of a Job that the cache keeps. No code reads its template. */
export function leanJob({ apiVersion, kind, metadata, status }: JobObject): JobObject {
  return {
    ...{ apiVersion, kind, metadata: leanMetadata(metadata) },
    ...(status === undefined ? {} : { status: present(status, ["completionTime", "conditions"]) }),
  };
}

function leanMetadata(metadata: KubernetesObject["metadata"]): KubernetesObject["metadata"] {
  const {
    managedFields: _,
    annotations: __,
    ...lean
  } = metadata as typeof metadata & { managedFields?: unknown };
  return lean;
}

/** The named members that are present. */
function present<T extends object, Name extends keyof T>(
  object: T,
  names: readonly Name[],
): { [Each in Name]?: Exclude<T[Each], undefined> } {
  return Object.fromEntries(
    names.flatMap((name) => (object[name] === undefined ? [] : [[name, object[name]]])),
  ) as {
    [Each in Name]?: Exclude<T[Each], undefined>;
  };
}
