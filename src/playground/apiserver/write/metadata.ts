import { randomInt, randomUUID } from "node:crypto";
import { type ApiObject, type JsonObject, listOf, type ObjectMeta, recordOf, timestamp } from "../object.ts";
import type { ResourceType } from "../resource-type.ts";
import { type FieldError, valueForbidden, valueInvalid, valueTooLong } from "../schema/field-error.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  qualifiedNameProblems,
} from "../schema/name.ts";

const SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789";
const MAX_GENERATED_BASE = 58;
const MAX_ANNOTATION_BYTES = 256 * 1024;

/** `base` and five random letters, for `generateName`. */
export function generatedName(base: string): string {
  const suffix = Array.from({ length: 5 }, () => SUFFIX_LETTERS[randomInt(SUFFIX_LETTERS.length)]).join("");
  return `${base.slice(0, MAX_GENERATED_BASE)}${suffix}`;
}

/** The metadata of a new object that only the server writes. */
export function stampCreation(object: ApiObject, name: string, namespace: string, now: Date): void {
  const { labels, annotations, finalizers, ownerReferences, managedFields, generateName } = object.metadata;
  object.metadata = {
    name,
    ...(generateName ? { generateName } : {}),
    ...(namespace === "" ? {} : { namespace }),
    uid: randomUUID(),
    resourceVersion: "",
    creationTimestamp: timestamp(now),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
    ...(ownerReferences === undefined ? {} : { ownerReferences }),
    ...(finalizers === undefined ? {} : { finalizers }),
    ...(managedFields === undefined ? {} : { managedFields }),
  };
}

/** Resets metadata that no client may change to the stored values. */
export function restoreSystemMetadata(next: ApiObject, live: ApiObject): void {
  const kept = live.metadata;
  const metadata: JsonObject = { ...next.metadata };
  for (const name of [
    "name",
    "namespace",
    "generateName",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
  ] as const) {
    if (kept[name] === undefined) delete metadata[name];
    else metadata[name] = kept[name];
  }
  next.metadata = metadata as unknown as ObjectMeta;
}

function nameProblems(type: ResourceType, name: string): string[] {
  if (type.group === "rbac.authorization.k8s.io") return pathSegmentProblems(name);
  switch (type.storage) {
    case "/namespaces":
      return dns1123LabelProblems(name);
    case "/services":
      return dns1035LabelProblems(name);
    default:
      return dns1123SubdomainProblems(name);
  }
}

function pathSegmentProblems(name: string): string[] {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter((letter) => name.includes(letter)).map((letter) => `may not contain '${letter}'`);
}

export function metadataErrors(object: ApiObject, type: ResourceType, live?: ApiObject): FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  if (live === undefined) {
    for (const problem of nameProblems(type, metadata.name)) {
      errors.push(valueInvalid("metadata.name", metadata.name, problem));
    }
  }
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    for (const problem of qualifiedNameProblems(key))
      errors.push(valueInvalid("metadata.labels", key, problem));
    for (const problem of labelValueProblems(value))
      errors.push(valueInvalid("metadata.labels", value, problem));
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata.annotations ?? {})) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) {
      errors.push(valueInvalid("metadata.annotations", key, problem));
    }
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_ANNOTATION_BYTES) errors.push(valueTooLong("metadata.annotations", MAX_ANNOTATION_BYTES));
  errors.push(...finalizerErrors(metadata, live?.metadata), ...ownerErrors(metadata));
  return errors;
}

function finalizerErrors({ finalizers = [] }: ObjectMeta, live: ObjectMeta | undefined): FieldError[] {
  const errors: FieldError[] = [];
  for (const finalizer of finalizers) {
    for (const problem of qualifiedNameProblems(finalizer)) {
      errors.push(valueInvalid("metadata.finalizers", finalizer, problem));
    }
  }
  const fresh = finalizers.filter((finalizer) => !live?.finalizers?.includes(finalizer));
  if (live?.deletionTimestamp !== undefined && fresh.length > 0) {
    const names = fresh.map((name) => JSON.stringify(name)).join(", ");
    errors.push(
      valueForbidden(
        "metadata.finalizers",
        `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`,
      ),
    );
  }
  return errors;
}

function ownerErrors({ ownerReferences = [] }: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  for (const owner of ownerReferences) {
    for (const name of ["apiVersion", "kind", "name", "uid"] as const) {
      if (owner[name]) continue;
      const problem = name === "apiVersion" ? "version must not be empty" : "must not be empty";
      errors.push(valueInvalid(`metadata.ownerReferences.${name}`, "", problem));
    }
  }
  const controllers = ownerReferences.filter(({ controller }) => controller === true);
  if (controllers.length > 1) {
    errors.push(
      valueInvalid(
        "metadata.ownerReferences",
        ownerReferences,
        `Only one reference can have Controller set to true. Found "true" in references for ${controllers.map(({ kind, name }) => `${kind}/${name}`).join(" and ")}`,
      ),
    );
  }
  return errors;
}

/** The uids of the objects that own this one. */
export function ownerUids(object: ApiObject): string[] {
  return listOf(object.metadata.ownerReferences).map((owner) => String(recordOf(owner).uid));
}
