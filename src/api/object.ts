/** The parts of ObjectMeta that we read or write; times are RFC 3339. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** An object of any kind that the Kubernetes API serves. */
export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** The values of `data` are base64. */
export type SecretObject = KubernetesObject & { type?: string; data?: Record<string, string> };

/** The decoded value under a key of a Secret; undefined without the Secret or the key. */
export function secretValue(secret: SecretObject | undefined, key: string): string | undefined {
  const encoded = secret?.data?.[key];
  return encoded === undefined ? undefined : Buffer.from(encoded, "base64").toString();
}

export type ConfigMapObject = KubernetesObject & { data?: Record<string, string> };

/** An object of one of our kinds. `status` is absent until the first reconcile. */
export interface CatalystObject<Spec, Status> extends KubernetesObject {
  spec: Spec;
  status?: Status;
}

/** Whether a JSON value is an object: neither a list nor null. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** The value when it is an object, otherwise an empty one: for members of objects that were not validated. */
export const mapOf = (value: unknown): Record<string, unknown> => (isMap(value) ? value : {});

/** The annotations of an object that was not validated. */
export const annotationsOf = (object: unknown): Record<string, unknown> =>
  mapOf(mapOf(mapOf(object).metadata).annotations);

/** The named fields of an object, without those that are undefined. */
export function presentFields<T extends object, Name extends keyof T>(
  object: T,
  names: readonly Name[],
): { [Each in Name]?: Exclude<T[Each], undefined> } {
  const present = names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]);
  return Object.fromEntries(present) as { [Each in Name]?: Exclude<T[Each], undefined> };
}

/** The value when it is a list, otherwise an empty one. */
export const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

/** A value of an object that was not validated, as text. `String` runs members of the value, which can fail. */
export const textOf = (value: unknown): string =>
  typeof value === "object" && value !== null ? "(an object)" : String(value);
