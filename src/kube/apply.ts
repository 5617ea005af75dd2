import { ANNOTATION } from "../api/label.ts";
import type { KubernetesObject } from "../api/object.ts";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import type { KubeClient } from "./client.ts";
import { findDifferences } from "./difference.ts";
import { createFightGuard } from "./fight.ts";
import { foreignAdditions, type OwnedObject } from "./foreign-field.ts";
import { withForeignFields } from "./informer.ts";
import { keyOf, type Resource, resourceOfManifest } from "./resource.ts";

export { FieldFight } from "./fight.ts";

export type Applied =
  | { kind: "unchanged"; object: KubernetesObject }
  | { kind: "created"; object: KubernetesObject }
  /** What is desired has changed, in `fields` and perhaps in what is no longer desired. */
  | { kind: "updated"; object: KubernetesObject; fields: string[] }
  /** Somebody changed `fields` of what we had applied; none when they deleted it. */
  | { kind: "corrected"; object: KubernetesObject; fields: string[] };

export interface Applier {
  /**
   * Makes the server hold `desired` by server-side apply, and writes nothing when `live` (from a cache, or undefined
   * when absent) says it already. Throws `FieldFight` instead of correcting one field again and again.
   */
  apply(desired: KubernetesObject, live: KubernetesObject | undefined): Promise<Applied>;
  /**
   * What somebody else made of an object of which nothing else is desired than before: the fields that differ, none when
   * it was deleted; undefined when it is as we left it. Says so before `apply` puts it back.
   */
  findDrift(
    desired: KubernetesObject,
    cached: KubernetesObject | undefined,
  ): Promise<{ fields: string[] } | undefined>;
  /** Deletes those of `owned` that are not among `desired`, and says which. */
  prune(
    desired: readonly KubernetesObject[],
    owned: readonly KubernetesObject[],
  ): Promise<KubernetesObject[]>;
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
 * not tell whose change it was.
 */
export function createApplier(deps: { client: KubeClient; fieldManager: string; now: () => Date }): Applier {
  const { client, fieldManager, now } = deps;
  const fights = createFightGuard(now);
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

  /** The cached object, or what our last write made of it while the cache has not heard of that yet. */
  function newest(
    object: KubernetesObject,
    cached: KubernetesObject | undefined,
  ): KubernetesObject | undefined {
    const result = memories.get(nameOf(object))?.result;
    if (cached === undefined || result === undefined) return cached;
    return isOlder(cached, result) ? result : cached;
  }

  return {
    async findDrift(wanted, cached) {
      const desired = stamped(wanted);
      const memory = memories.get(nameOf(desired));
      const isKnown = memory?.digest === digestOf(desired);
      const live = newest(desired, cached);
      if (live === undefined) {
        // Only the server can tell a deletion from a cache that has not heard of our creation yet.
        const isGone =
          isKnown && (await client.get(resourceOfManifest(desired), desired.metadata)) === undefined;
        return isGone ? { fields: [] } : undefined;
      }
      if (!isKnown && digestOf(live) !== digestOf(desired)) return undefined;
      const fields = [...unsettled(desired, live, memory).keys()];
      return fields.length === 0 ? undefined : { fields };
    },

    async apply(wanted, cached) {
      const resource = resourceOfManifest(wanted);
      const desired = stamped(wanted);
      const digest = digestOf(desired);
      const name = nameOf(desired);
      const memory = memories.get(name);
      const live = newest(desired, cached);

      const found = live === undefined ? new Map<string, string>() : unsettled(desired, live, memory);
      if (live !== undefined && found.size === 0) return { kind: "unchanged", object: live };
      const isOurChange = memory?.digest !== digest && (live === undefined || digestOf(live) !== digest);
      if (!isOurChange) fights.check(name);

      const object = await write(resource, desired);
      memories.set(name, { digest, result: object, settled: findings(desired, object) });
      const before = live ?? (memory?.digest === digest ? memory.result : undefined);
      if (before === undefined) return { kind: "created", object };
      if (object.metadata.resourceVersion === before.metadata.resourceVersion)
        return { kind: "unchanged", object };
      const wasDeleted = object.metadata.uid !== before.metadata.uid;
      const fields = wasDeleted ? [] : [...found.keys()];
      // Without a cached object there is nothing to compare: it was there, and what changed is not known.
      if (isOurChange || (live === undefined && !wasDeleted)) return { kind: "updated", object, fields };
      fights.corrected(name, wasDeleted ? ["metadata.uid"] : fields);
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
        memories.delete(nameOf(object));
        fights.forget(nameOf(object));
      }
      return surplus;
    },
  };
}

/** The findings, less those that our last write of the same words left behind. */
function unsettled(
  desired: KubernetesObject,
  live: OwnedObject,
  memory: Memory | undefined,
): Map<string, string> {
  const found = findings(desired, live);
  if (memory?.digest === digestOf(desired))
    for (const [path, value] of memory.settled) if (found.get(path) === value) found.delete(path);
  return found;
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

/** Of one object, the greater resourceVersion is the later: Kubernetes has promised so since 1.35, and it always held. */
function isOlder(a: KubernetesObject, b: KubernetesObject): boolean {
  if (a.metadata.uid !== b.metadata.uid) return false;
  const version = ({ metadata }: KubernetesObject) =>
    BigInt(/^\d+$/.exec(metadata.resourceVersion ?? "")?.[0] ?? 0);
  return version(a) < version(b);
}

const nameOf = (object: KubernetesObject) => `${object.kind} ${keyOf(object.metadata)}`;
