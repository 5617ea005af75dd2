import type { KubernetesObject } from "../api/object.ts";
import { createApplyMemory, nameOf, stamped } from "./apply-memory.ts";
import type { KubeClient } from "./client.ts";
import { isInvalid, KubeError } from "./error.ts";
import { createFieldConflictGuard } from "./field-conflict.ts";
import { type FreeFields, foreignAdditions } from "./foreign-field.ts";
import { withForeignFields } from "./informer.ts";
import { createObjectWriter } from "./object-writer.ts";
import { resourceOfManifest } from "./resource.ts";
import { isOlder } from "./version.ts";

export { FieldConflict } from "./field-conflict.ts";

/** `wasReplaced`: the object was deleted and created again, because a field that differs is immutable. */
export type Applied =
  | { kind: "unchanged"; object: KubernetesObject }
  | { kind: "created"; object: KubernetesObject }
  /** The desired object has changed: `fields` differ, and other fields may no longer be desired. */
  | { kind: "updated"; object: KubernetesObject; fields: string[]; wasReplaced?: true }
  /** Another client changed `fields` of the applied object; none when it deleted the object. */
  | { kind: "corrected"; object: KubernetesObject; fields: string[]; wasReplaced?: true };

export interface Applier {
  /**
   * Writes `desired` by server-side apply, unless the server holds it already. `cached` is the object from a cache. When
   * it is undefined, the applier reads the object from the server: it may be new or deleted, or another client may have
   * removed the label by which the cache selects. Pass `absent` when a read has just shown that the object does not exist.
   *
   * `beforeCorrection` is called before another client's change is reverted, with the fields that differ (none when the
   * object was deleted). Throws `FieldConflict` when one field was corrected too often.
   */
  apply(
    desired: KubernetesObject,
    cached: KubernetesObject | undefined | "absent",
    beforeCorrection?: (fields: string[]) => Promise<void>,
  ): Promise<Applied>;
  /** Deletes the objects of `owned` that are not in `desired`, and returns them. Never deletes a later object of the same name. */
  prune(
    desired: readonly KubernetesObject[],
    owned: readonly KubernetesObject[],
  ): Promise<KubernetesObject[]>;
  /** Creates an object that is never applied. */
  create(object: KubernetesObject): Promise<KubernetesObject>;
  /** Whether this process created the namespace. Then only this process can have written the operator's objects in it. */
  isNew(namespace: string): boolean;
  /**
   * Whether the namespace is new and this process did not `create` an object of the kind there. Then a read of the server
   * is unnecessary.
   */
  hasNone(kind: string, namespace: string): boolean;
  /** Drops the state of these objects. If they are missing or changed later, that does not count as drift. */
  forget(isMeant: (object: KubernetesObject) => boolean): void;
}

/**
 * Two checks find what to write. The digest of the desired object, kept in an annotation, shows every change of the desired
 * object, also a field that is no longer desired. The comparison of desired and live fields shows other clients' changes.
 * A digest alone misses those. A comparison alone leaves fields that are no longer desired, and cannot tell who changed a
 * field. An object is `known` when the memory or the live annotation has the digest of the desired object:
 *
 * | known | live    | result              |
 * |-------|---------|---------------------|
 * | no    | absent  | created             |
 * | no    | there   | updated             |
 * | yes   | absent  | corrected: deleted  |
 * | yes   | differs | corrected: fields   |
 * | yes   | equal   | unchanged, no write |
 */
export function createApplier(deps: {
  client: KubeClient;
  fieldManager: string;
  now: () => Date;
  /** Milliseconds of a clock that never jumps. Default: `performance.now`. */
  elapsedMs?: () => number;
  /** Fields that other clients set: the applier neither writes nor removes them. */
  freeFields?: FreeFields;
}): Applier {
  const { client, fieldManager, freeFields = () => [] } = deps;
  const conflicts = createFieldConflictGuard(deps);
  const memory = createApplyMemory(freeFields);
  const lean = withForeignFields<KubernetesObject>(fieldManager);
  const write = createObjectWriter({ client, fieldManager, freeFields });

  /**
   * Namespaces that this process created. Each has the kinds of the objects that this process then created in it by
   * `create`. Without this map, each object that a new Sovereign lacks cost a GET, which made 9 of its 16 reads.
   */
  const newNamespaces = new Map<string, Set<string>>();
  const isNew = (namespace: string | undefined) => namespace !== undefined && newNamespaces.has(namespace);

  /** The newest known object: the cached or the last written one, or the server's when none is cached. */
  async function findLive(
    desired: KubernetesObject,
    cached: KubernetesObject | undefined | "absent",
  ): Promise<KubernetesObject | undefined> {
    if (cached === "absent") return undefined;
    if (cached === undefined) {
      // Only this process can have written the operator's objects in a namespace that it created.
      if (isNew(desired.metadata.namespace) && !memory.hasApplied(desired)) return undefined;
      const found = await client.get<KubernetesObject>(resourceOfManifest(desired), desired.metadata);
      return found && lean(found);
    }
    const result = memory.lastResult(desired);
    if (result !== undefined && isOlder(cached, result)) return result;
    memory.caughtUp(desired);
    return cached;
  }

  /**
   * Whether a dry run returns the live object unchanged. A process checks this once for an object that another process
   * wrote. Without the check, it would treat the changes that a mutating webhook makes to every write as another client's
   * change. Labels, annotations and owners that are not desired do not count: a webhook may write the time of each review
   * into an annotation.
   */
  async function isSettled(desired: KubernetesObject, live: KubernetesObject): Promise<boolean> {
    if (foreignAdditions(desired, live, freeFields(desired)).length > 0) return false;
    const trial = await client
      .apply(resourceOfManifest(desired), desired, { fieldManager, dryRun: true })
      .catch((error: unknown) => {
        // The server refuses a dry run that calls a webhook with side effects, and one that changes an immutable field.
        if ((error instanceof KubeError && error.status === 400) || isInvalid(error)) return undefined;
        throw error;
      });
    return trial !== undefined && memory.haveSameContent(desired, live, lean(trial));
  }

  /** Fields that a write would change. Empty when the server already holds the desired object. */
  async function fieldsToWrite(desired: KubernetesObject, live: KubernetesObject): Promise<string[]> {
    const fields = memory.unsettledFields(desired, live);
    const wasAppliedByAnother = !memory.hasApplied(desired) && memory.isKnown(desired, live);
    if (fields.length === 0 || !wasAppliedByAnother || !(await isSettled(desired, live))) return fields;
    memory.remember(desired, live);
    return [];
  }

  function forget(name: string): void {
    newNamespaces.delete(name.replace(/^Namespace /, ""));
    memory.forget(name);
    conflicts.forget(name);
  }

  return {
    isNew,
    hasNone: (kind, namespace) => newNamespaces.get(namespace)?.has(kind) === false,
    create(object) {
      // Recorded before the write, because the write may be stored although its answer is lost.
      newNamespaces.get(object.metadata.namespace ?? "")?.add(object.kind);
      return client.create(resourceOfManifest(object), object);
    },
    forget(isMeant) {
      for (const object of memory.applied()) if (isMeant(object)) forget(nameOf(object));
    },
    async apply(wanted, cached, beforeCorrection) {
      const desired = stamped(wanted);
      const name = nameOf(desired);
      const live = await findLive(desired, cached);
      const fields = live === undefined ? [] : await fieldsToWrite(desired, live);
      if (live !== undefined && fields.length === 0) return { kind: "unchanged", object: live };
      const wasApplied = memory.isKnown(desired, live);
      if (wasApplied) {
        conflicts.check(name);
        await beforeCorrection?.(fields);
      }
      memory.intend(desired);
      const { object, ...replacement } = await write(desired, live);
      memory.remember(desired, object);
      if (object.metadata.resourceVersion === live?.metadata.resourceVersion)
        return { kind: "unchanged", object };
      if (wasApplied) {
        conflicts.corrected(name, live === undefined ? ["metadata.uid"] : fields);
        return { kind: "corrected", object, fields, ...replacement };
      }
      if (live === undefined && object.kind === "Namespace")
        newNamespaces.set(object.metadata.name, new Set());
      return live === undefined
        ? { kind: "created", object }
        : { kind: "updated", object, fields, ...replacement };
    },

    async prune(desired, owned) {
      const wanted = new Set(desired.map(nameOf));
      const surplus = owned.filter(
        (object) => !wanted.has(nameOf(object)) && object.metadata.deletionTimestamp === undefined,
      );
      for (const object of surplus) {
        await client.delete(resourceOfManifest(object), object.metadata, { uid: object.metadata.uid });
        forget(nameOf(object));
      }
      return surplus;
    },
  };
}
