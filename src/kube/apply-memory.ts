import { isDeepStrictEqual } from "node:util";
import { ANNOTATION } from "../api/label.ts";
import { type KubernetesObject, presentFields } from "../api/object.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import { findDifferences } from "./difference.ts";
import { type FreeFields, foreignAdditions, type OwnedObject } from "./foreign-field.ts";
import { keyOf } from "./resource.ts";

/** The state that one process keeps about the objects that it applied. */
export interface ApplyMemory {
  /** Call it before a write. Until `remember`, the write may have been stored although its answer was lost. */
  intend(desired: KubernetesObject): void;
  remember(desired: KubernetesObject, result: KubernetesObject): void;
  /** The object as the server returned it after the last write, until a cache has caught up with it. */
  lastResult(object: KubernetesObject): KubernetesObject | undefined;
  /**
   * Call it when a cache holds the last result or a newer version. It drops the result: results were the largest part of
   * the heap.
   */
  caughtUp(object: KubernetesObject): void;
  /** Whether this process wrote the object. */
  hasApplied(object: KubernetesObject): boolean;
  /** Each object that this process wrote: its kind, name, labels and owners, without its version. */
  applied(): KubernetesObject[];
  /**
   * Whether exactly this object was applied before: by this process, or by another one according to the annotation of the
   * live object. When the live object holds a write whose answer was lost, only that write counts, because it replaced all
   * earlier ones.
   */
  isKnown(desired: KubernetesObject, live: KubernetesObject | undefined): boolean;
  /**
   * Paths where the live object differs from the desired one. Differences that already existed right after the last write
   * are left out.
   */
  unsettledFields(desired: KubernetesObject, live: OwnedObject): string[];
  /** Whether both live objects have the same content, apart from labels, annotations and owners that are not desired. */
  haveSameContent(desired: KubernetesObject, one: OwnedObject, other: OwnedObject): boolean;
  /** Drops the state of the object with this `nameOf`. */
  forget(name: string): void;
}

interface Memory {
  digest: string;
  result: KubernetesObject | undefined;
  labels: KubernetesObject["metadata"]["labels"];
  ownerReferences: KubernetesObject["metadata"]["ownerReferences"];
  /**
   * Live values, by path, that the server or a mutating webhook put in place of the desired ones. Another write would not
   * change them.
   */
  settled: ReadonlyMap<string, string> | undefined;
}

export function createApplyMemory(freeFields: FreeFields = () => []): ApplyMemory {
  const findings = (desired: KubernetesObject, live: OwnedObject) =>
    findingsOf(desired, live, freeFields(desired));
  const memories = new Map<string, Memory>();
  /** Digests of writes without an answer, by `nameOf`. */
  const unanswered = new Map<string, Set<string>>();
  return {
    intend(desired) {
      const name = nameOf(desired);
      unanswered.set(name, new Set([...(unanswered.get(name) ?? []), digestOf(desired)]));
    },
    remember(desired, result) {
      unanswered.delete(nameOf(desired));
      const found = findings(desired, result);
      const settled = found.size === 0 ? undefined : found;
      const { labels, ownerReferences } = desired.metadata;
      memories.set(nameOf(desired), { digest: digestOf(desired), result, labels, ownerReferences, settled });
    },
    lastResult: (object) => memories.get(nameOf(object))?.result,
    caughtUp(object) {
      const memory = memories.get(nameOf(object));
      if (memory !== undefined) memory.result = undefined;
    },
    hasApplied: (object) => memories.has(nameOf(object)),
    applied: () => [...memories].map(([name, memory]) => appliedObject(name, memory)),
    isKnown(desired, live) {
      const [name, digest] = [nameOf(desired), digestOf(desired)];
      const liveDigest = live && digestOf(live);
      if (liveDigest !== undefined && unanswered.get(name)?.has(liveDigest)) return liveDigest === digest;
      return memories.get(name)?.digest === digest || liveDigest === digest;
    },
    unsettledFields(desired, live) {
      const memory = memories.get(nameOf(desired));
      const settled = memory?.digest === digestOf(desired) ? memory.settled : undefined;
      return [...findings(desired, live)]
        .filter(([path, value]) => settled?.get(path) !== value)
        .map(([path]) => path);
    },
    haveSameContent(desired, one, other) {
      if (!isDeepStrictEqual(findings(desired, one), findings(desired, other))) return false;
      const { metadata } = desired;
      return contentOf({ ...one, metadata }) === contentOf({ ...other, metadata });
    },
    forget(name) {
      memories.delete(name);
      unanswered.delete(name);
    },
  };
}

/** Built when it is needed: for 10,000 Sovereigns, such objects took 30 MB. `objectName` is the object's `nameOf`. */
function appliedObject(
  objectName: string,
  memory: Pick<Memory, "labels" | "ownerReferences">,
): KubernetesObject {
  const [kind = "", key = ""] = objectName.split(" ");
  const [name = "", namespace] = key.split("/").reverse();
  const more = presentFields({ namespace, ...memory }, ["namespace", "labels", "ownerReferences"]);
  return { apiVersion: "", kind, metadata: { name, ...more } };
}

/** `Deployment namespace/name`. */
export const nameOf = (object: KubernetesObject) => `${object.kind} ${keyOf(object.metadata)}`;

/** The object with its digest in an annotation. An existing digest stays. */
export function stamped(object: KubernetesObject): KubernetesObject {
  if (digestOf(object) !== "") return object;
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [ANNOTATION.applied]: sha256Digest(canonicalJson(object)) };
  return { ...object, metadata: { ...metadata, annotations } };
}

/** The digest of a desired object. One that is `stamped` is not serialised again. */
export const desiredDigest = (object: KubernetesObject): string => digestOf(stamped(object));

/** The parts of an object that are compared: all except those that the server writes. */
function comparable({ metadata, ...object }: KubernetesObject): object {
  const { labels, annotations, ownerReferences } = metadata;
  return { ...object, metadata: { labels, annotations, ownerReferences } };
}

/** The content of an object without its status, as text. */
export const contentOf = (object: KubernetesObject): string =>
  canonicalJson({ ...comparable(object), status: null });

/** Each path that differs, with its live value as text. */
function findingsOf(
  desired: KubernetesObject,
  live: OwnedObject,
  freeFields: readonly string[],
): Map<string, string> {
  return new Map([
    ...foreignAdditions(desired, live, freeFields).map((path): [string, string] => [path, "added"]),
    ...findDifferences(comparable(desired), comparable(live)).map((difference): [string, string] => [
      difference.path,
      canonicalJson(difference.live ?? null),
    ]),
  ]);
}

function digestOf({ metadata }: KubernetesObject): string {
  return metadata.annotations?.[ANNOTATION.applied] ?? "";
}
