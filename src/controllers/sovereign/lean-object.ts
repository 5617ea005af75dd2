import { type KubernetesObject, presentFields } from "../../api/object.ts";
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
    statuses.map((each) => presentFields(each, ["name", "image", "state", "lastState"]));
  const { initContainerStatuses, containerStatuses } = status;
  return {
    ...presentFields(status, ["phase", "podIP", "conditions"]),
    ...(initContainerStatuses === undefined ? {} : { initContainerStatuses: lean(initContainerStatuses) }),
    ...(containerStatuses === undefined ? {} : { containerStatuses: lean(containerStatuses) }),
  };
}

/** The parts of a Job that the cache keeps. No code reads its template. */
export function leanJob({ apiVersion, kind, metadata, status }: JobObject): JobObject {
  return {
    ...{ apiVersion, kind, metadata: leanMetadata(metadata) },
    ...(status === undefined ? {} : { status: presentFields(status, ["completionTime", "conditions"]) }),
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
