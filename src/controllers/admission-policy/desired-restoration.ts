import type { KubernetesObject, ObjectMeta } from "../../api/object.ts";
import { canonicalJson } from "../../platform/canonical-json.ts";

/** A policy or a binding. */
export interface SpecifiedObject extends KubernetesObject {
  spec: object;
}

interface ManagedFields {
  manager?: string;
  operation?: string;
  fieldsV1?: object;
}

/** An object as the API server returns it, with the clients that wrote it. */
export interface LiveObject extends SpecifiedObject {
  metadata: ObjectMeta & { managedFields?: ManagedFields[] };
}

/**
 * Whether the live spec and labels are as desired. The spec is compared as a whole, because an added exclusion weakens a
 * policy like a changed rule. `accepted` is the spec that the API server stores for the desired one.
 */
export function isIntact(
  desired: SpecifiedObject,
  live: SpecifiedObject,
  accepted: object | undefined,
): boolean {
  return hasLabels(desired, live) && [desired.spec, accepted].some((spec) => isSame(spec, live.spec));
}

export const isSame = (a: unknown, b: unknown): boolean =>
  a !== undefined && canonicalJson(a) === canonicalJson(b);

export const hasLabels = ({ metadata }: KubernetesObject, live: KubernetesObject): boolean =>
  Object.entries(metadata.labels ?? {}).every(([name, value]) => live.metadata.labels?.[name] === value);

/** The object to write. Labels and annotations of other clients stay. */
export function desiredRestoration(
  desired: SpecifiedObject,
  live: KubernetesObject | undefined,
): SpecifiedObject {
  const { labels, annotations } = live?.metadata ?? {};
  return {
    ...desired,
    metadata: {
      ...desired.metadata,
      labels: { ...labels, ...desired.metadata.labels },
      ...(annotations === undefined ? {} : { annotations }),
    },
  };
}

/** The field manager of `helm install`. */
const HELM = "helm";

/**
 * The field manager that applied the object first. The operator writes under this name. If it owned the fields under its
 * own name, an upgrade of the chart that changes them would fail with a conflict. The API server sorts the entries by age.
 */
export function installerOf(live: LiveObject | undefined): string {
  const entry = live?.metadata.managedFields?.find((each) => ownsSpec(each, "Apply"));
  return entry?.manager ?? HELM;
}

const ownsSpec = ({ operation, fieldsV1 = {} }: ManagedFields, by: "Apply" | "Update"): boolean =>
  operation === by && Object.hasOwn(fieldsV1, "f:spec");

/** Whether a client that wrote without server-side apply owns a part of the spec. */
export const hasUpdater = ({ metadata: { managedFields = [] } }: LiveObject): boolean =>
  managedFields.some((entry) => ownsSpec(entry, "Update"));

/** The object to write so that only managers that applied the spec own it. */
export function desiredOwnership(live: LiveObject): LiveObject {
  const { managedFields = [] } = live.metadata;
  const kept = managedFields.filter((entry) => !ownsSpec(entry, "Update"));
  return { ...live, metadata: { ...live.metadata, managedFields: kept } };
}
