import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "./client.ts";
import { differences } from "./difference.ts";
import { foreignAdditions, foreignEntries, type OwnedObject } from "./foreign-field.ts";
import { type Resource, resourceOfManifest } from "./resource.ts";

export type Applied =
  | { kind: "unchanged"; object: KubernetesObject }
  | { kind: "created"; object: KubernetesObject }
  /** It was there and differed in `fields`. */
  | { kind: "corrected"; object: KubernetesObject; fields: string[] };

/** Somebody else keeps changing what we keep changing back. */
export class FieldFight extends Error {
  override readonly name = "FieldFight";
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

const FIGHT_WINDOW_MS = 60_000;
const FIGHT_CORRECTIONS = 6;
const FIGHT_PAUSE_MS = 60_000;

export interface Applier {
  /**
   * Makes the server hold `desired` by server-side apply, and writes nothing when `live` (from a cache, or undefined
   * when absent) says it already. Throws `FieldFight` instead of correcting one object again and again.
   */
  apply(desired: KubernetesObject, live: KubernetesObject | undefined): Promise<Applied>;
}

export function createApplier(deps: { client: KubeClient; fieldManager: string; now: () => Date }): Applier {
  const { client, fieldManager, now } = deps;
  const corrections = new Map<string, number[]>();

  function guardAgainstFight(resource: Resource, desired: KubernetesObject, fields: string[]): void {
    const { namespace = "", name } = desired.metadata;
    const key = `${resource.plural}/${namespace}/${name}`;
    const at = now().getTime();
    const recent = (corrections.get(key) ?? []).filter((time) => at - time < FIGHT_WINDOW_MS);
    if (recent.length >= FIGHT_CORRECTIONS) {
      throw new FieldFight(
        `${desired.kind} ${name}: somebody keeps changing ${fields.join(", ")}; corrected ${recent.length} times in a minute, now pausing`,
        FIGHT_PAUSE_MS,
      );
    }
    corrections.set(key, [...recent, at]);
  }

  return {
    async apply(desired, live) {
      const resource = resourceOfManifest(desired);
      if (live === undefined) {
        return { kind: "created", object: await client.apply(resource, desired, { fieldManager }) };
      }
      const fields = fieldsToCorrect(desired, live);
      if (fields.length === 0) return { kind: "unchanged", object: live };
      guardAgainstFight(resource, desired, fields);
      const applied = await client.apply<OwnedObject>(resource, desired, { fieldManager });
      const left = foreignAdditions(desired, {
        ...applied,
        metadata: { ...applied.metadata, managedFields: foreignEntries(applied, fieldManager) },
      });
      if (left.length === 0) return { kind: "corrected", object: applied, fields };
      // Server-side apply leaves alone what others added; replacing the object does not.
      const { resourceVersion } = applied.metadata;
      const replacement = {
        ...desired,
        metadata: { ...applied.metadata, ...desired.metadata, resourceVersion, managedFields: undefined },
      };
      return {
        kind: "corrected",
        object: await client.replace(resource, replacement as KubernetesObject),
        fields,
      };
    },
  };
}

/** Paths that differ from `desired`, or that somebody added to it. */
export function fieldsToCorrect(desired: KubernetesObject, live: KubernetesObject): string[] {
  return [
    ...new Set([...differences(comparable(desired), comparable(live)), ...foreignAdditions(desired, live)]),
  ];
}

/** What of an object can be wrong: all but what the server writes. */
function comparable({ metadata, ...object }: KubernetesObject): object {
  const { labels, annotations, ownerReferences } = metadata;
  return { ...object, metadata: { labels, annotations, ownerReferences } };
}
