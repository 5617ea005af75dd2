import { ANNOTATION } from "../api/label.ts";
import type { KubernetesObject } from "../api/object.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import type { KubeClient } from "./client.ts";
import { findDifferences } from "./difference.ts";
import { KubeError } from "./error.ts";
import { createFieldConflictGuard } from "./field-conflict.ts";
import { foreignAdditions, type OwnedObject } from "./foreign-field.ts";
import { withForeignFields } from "./informer.ts";
import { keyOf, type Resource, resourceOfManifest } from "./resource.ts";
import { isOlder } from "./version.ts";

export { FieldConflict } from "./field-conflict.ts";

export type Applied =
  | { kind: "unchanged"; object: KubernetesObject }
  | { kind: "created"; object: KubernetesObject }
  /** What is desired has changed, in `fields` and perhaps in what is no longer desired. */
  | { kind: "updated"; object: KubernetesObject; fields: string[] }
  /** Somebody changed `fields` of what we had applied; none when they deleted it. */
  | { kind: "corrected"; object: KubernetesObject; fields: string[] };

export interface Applier {
  /**
   * Makes the server hold `desired` by server-side apply, and writes nothing when it does already. `cached` is what a
   * cache has of it; where that is nothing, the server itself is asked, as the object may be new, deleted, or hidden from
   * the cache by a label that somebody took away.
   *
   * `beforeCorrection` hears what somebody else made of the object just before it is put back: the fields that differ,
   * none when it was deleted. Throws `FieldConflict` instead of correcting one field again and again.
   */
  apply(
    desired: KubernetesObject,
    cached: KubernetesObject | undefined,
    beforeCorrection?: (fields: string[]) => Promise<void>,
  ): Promise<Applied>;
  /** Deletes those of `owned` that are not among `desired`, each as it was seen and no later one, and says which. */
  prune(
    desired: readonly KubernetesObject[],
    owned: readonly KubernetesObject[],
  ): Promise<KubernetesObject[]>;
  /** What becomes of these objects is no longer our concern: gone, or found again, they are no drift. */
  forget(isMeant: (object: KubernetesObject) => boolean): void;
}

/** What this process knows of an object beyond its cache. */
interface Memory {
  digest: string;
  /** What the last write made of it. */
  result: KubernetesObject;
  /** What the server, or another webhook, made of our own words: no use in saying them again. Path to live value. */
  settled: ReadonlyMap<string, string>;
}

/**
 * What needs writing is found in two ways at once. The digest of the desired object, kept in an annotation, sees every
 * change of mind, also a field that is no longer desired. The comparison of the desired fields with the live ones sees
 * hand edits. A digest alone would miss those; a comparison alone would leave behind what we stopped desiring, and could
 * not tell whose change it was. So there are these cases, `known` meaning that these very words were applied before, as
 * our memory or the live object's annotation says:
 *
 * | known | live    | then                |
 * |-------|---------|---------------------|
 * | no    | absent  | created             |
 * | no    | there   | updated             |
 * | yes   | absent  | corrected: deleted  |
 * | yes   | differs | corrected: fields   |
 * | yes   | equal   | unchanged, no write |
 */
export function createApplier(deps: { client: KubeClient; fieldManager: string; now: () => Date }): Applier {
  const { client, fieldManager, now } = deps;
  const conflicts = createFieldConflictGuard(now);
  const memories = new Map<string, Memory>();
  const lean = withForeignFields<KubernetesObject>(fieldManager);

  async function write(resource: Resource, desired: KubernetesObject): Promise<KubernetesObject> {
    const applied = lean(await client.apply(resource, desired, { fieldManager }));
    const left = foreignAdditions(desired, applied);
    if (left.length === 0) return applied;
    // Server-side apply leaves alone what others added; replacing the object does not.
    const { labels, annotations, resourceVersion } = applied.metadata;
    const replaced = await client.replace(resource, {
      ...desired,
      metadata: {
        ...desired.metadata,
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        // Marks of other people and controllers are theirs.
        labels: { ...labels, ...desired.metadata.labels },
        annotations: { ...annotations, ...desired.metadata.annotations },
      },
    });
    return lean(replaced);
  }

  /** The object as it is now, as far as the cache, our own last write and, where those have nothing, the server know. */
  async function findLive(
    desired: KubernetesObject,
    cached: KubernetesObject | undefined,
  ): Promise<KubernetesObject | undefined> {
    if (cached === undefined) {
      const found = await client.get<KubernetesObject>(resourceOfManifest(desired), desired.metadata);
      return found && lean(found);
    }
    const result = memories.get(nameOf(desired))?.result;
    return result !== undefined && isOlder(cached, result) ? result : cached;
  }

  /**
   * Whether the server makes of our words just what is there: a process that does not remember their last write asks, as
   * it would else take for an edit what another webhook does to them every time.
   */
  async function isSettled(desired: KubernetesObject, live: KubernetesObject): Promise<boolean> {
    if (foreignAdditions(desired, live).length > 0) return false;
    const trial = await client
      .apply(resourceOfManifest(desired), desired, { fieldManager, dryRun: true })
      .catch((error: unknown) => {
        // A webhook with side effects stands in the way of every trial.
        if (error instanceof KubeError && error.status === 400) return undefined;
        throw error;
      });
    if (trial === undefined) return false;
    const substance = (object: KubernetesObject) => canonicalJson({ ...comparable(object), status: null });
    return substance(trial) === substance(live);
  }

  function forget(name: string): void {
    memories.delete(name);
    conflicts.forget(name);
  }

  return {
    forget(isMeant) {
      for (const [name, { result }] of memories) if (isMeant(result)) forget(name);
    },
    async apply(wanted, cached, beforeCorrection) {
      const desired = stamped(wanted);
      const digest = digestOf(desired);
      const name = nameOf(desired);
      const memory = memories.get(name);
      const live = await findLive(desired, cached);
      const isKnown = memory?.digest === digest || (live !== undefined && digestOf(live) === digest);
      const fields = live === undefined ? [] : unsettled(desired, live, memory);
      if (live !== undefined && fields.length === 0) return { kind: "unchanged", object: live };
      if (isKnown && memory === undefined && live !== undefined && (await isSettled(desired, live))) {
        memories.set(name, { digest, result: live, settled: findings(desired, live) });
        return { kind: "unchanged", object: live };
      }
      if (isKnown) {
        conflicts.check(name);
        await beforeCorrection?.(fields);
      }

      const object = await write(resourceOfManifest(desired), desired);
      memories.set(name, { digest, result: object, settled: findings(desired, object) });
      if (live !== undefined && object.metadata.resourceVersion === live.metadata.resourceVersion)
        return { kind: "unchanged", object };
      if (!isKnown)
        return live === undefined ? { kind: "created", object } : { kind: "updated", object, fields };
      conflicts.corrected(name, live === undefined ? ["metadata.uid"] : fields);
      return { kind: "corrected", object, fields };
    },

    async prune(desired, owned) {
      const wanted = new Set(desired.map(nameOf));
      const surplus = owned.filter(
        (object) => !wanted.has(nameOf(object)) && object.metadata.deletionTimestamp === undefined,
      );
      for (const object of surplus) {
        const { uid } = object.metadata;
        const options = uid === undefined ? {} : { uid };
        await client.delete(resourceOfManifest(object), object.metadata, options);
        forget(nameOf(object));
      }
      return surplus;
    },
  };
}

/** Paths where the live object is not as desired, less those that our last write of the same words left behind. */
function unsettled(desired: KubernetesObject, live: OwnedObject, memory: Memory | undefined): string[] {
  const settled = memory?.digest === digestOf(desired) ? memory.settled : undefined;
  return [...findings(desired, live)]
    .filter(([path, value]) => settled?.get(path) !== value)
    .map(([path]) => path);
}

/** Each path with what is there now, as text. */
function findings(desired: KubernetesObject, live: OwnedObject): Map<string, string> {
  return new Map([
    ...foreignAdditions(desired, live).map((path): [string, string] => [path, "added"]),
    ...findDifferences(comparable(desired), comparable(live)).map((difference): [string, string] => [
      difference.path,
      canonicalJson(difference.live ?? null),
    ]),
  ]);
}

/** What of an object can be wrong: all but what the server writes. */
function comparable({ metadata, ...object }: KubernetesObject): object {
  const { labels, annotations, ownerReferences } = metadata;
  return { ...object, metadata: { labels, annotations, ownerReferences } };
}

/** The object with the digest of itself, unless it bears one. */
function stamped(object: KubernetesObject): KubernetesObject {
  if (digestOf(object) !== "") return object;
  const { metadata } = object;
  const annotations = { ...metadata.annotations, [ANNOTATION.applied]: sha256Digest(canonicalJson(object)) };
  return { ...object, metadata: { ...metadata, annotations } };
}

function digestOf({ metadata }: KubernetesObject): string {
  return metadata.annotations?.[ANNOTATION.applied] ?? "";
}

const nameOf = (object: KubernetesObject) => `${object.kind} ${keyOf(object.metadata)}`;
