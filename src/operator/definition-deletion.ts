import type { Condition } from "../api/condition.ts";
import { GROUP, type KindDefinition } from "../api/kind.ts";
import { KINDS } from "../api/kind-list.ts";
import type { KubernetesObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isForbidden } from "../kube/error.ts";
import { listIfServed } from "../kube/optional-kind.ts";
import { CUSTOM_RESOURCE_DEFINITIONS, keyOf, resourceOf } from "../kube/resource.ts";
import { sleep } from "../platform/shutdown.ts";

type Definition = KubernetesObject & { status?: { conditions?: Condition[] } };

const POLL_MS = 500;
/** The most objects that the text names for one kind. */
const MAX_NAMED = 5;

/**
 * Waits until the kinds that are being deleted are gone. Returns what holds up the others when the time is over: the
 * conditions of each definition, and its objects with their finalizers. Empty: nothing is held up.
 */
export async function findHeldDefinitions(
  client: Pick<KubeClient, "get" | "list">,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<string[]> {
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    const held = (await Promise.all(KINDS.map((kind) => readDeleted(client, kind)))).flat();
    if (held.length === 0) return [];
    if (performance.now() >= untilMs)
      return Promise.all(
        held.map(async ({ kind, definition }) => describeHeld(definition, await listOf(client, kind))),
      );
    await sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

/** A member of the platform may lack the right to read definitions. Then this finds none. */
async function readDeleted(
  client: Pick<KubeClient, "get">,
  kind: KindDefinition,
): Promise<{ kind: KindDefinition; definition: Definition }[]> {
  const name = `${kind.plural}.${GROUP}`;
  const definition = await client
    .get<Definition>(CUSTOM_RESOURCE_DEFINITIONS, { name })
    .catch((error: unknown) => {
      if (isForbidden(error)) return undefined;
      throw error;
    });
  return definition?.metadata.deletionTimestamp === undefined ? [] : [{ kind, definition }];
}

const listOf = async (client: Pick<KubeClient, "list">, kind: KindDefinition): Promise<KubernetesObject[]> =>
  (await listIfServed<KubernetesObject>(client, resourceOf(kind))) ?? [];

function describeHeld({ metadata, status }: Definition, objects: readonly KubernetesObject[]): string {
  const conditions = (status?.conditions ?? [])
    .filter(({ type }) => type === "Terminating")
    .map(({ type, status: is, reason, message }) => `${type}=${is} (${reason}: ${message})`);
  const named = objects.slice(0, MAX_NAMED).map(describeObject);
  const more = objects.length > MAX_NAMED ? [`and ${objects.length - MAX_NAMED} more`] : [];
  const holders =
    objects.length === 0 ? "no object is left" : `it still has ${[...named, ...more].join(", ")}`;
  const deletion = `CustomResourceDefinition ${metadata.name} is not deleted yet, since ${metadata.deletionTimestamp}`;
  return [deletion, ...conditions, holders].join("; ");
}

function describeObject({ metadata }: KubernetesObject): string {
  const { finalizers = [] } = metadata;
  const at = keyOf(metadata);
  return finalizers.length === 0 ? at : `${at} with finalizer ${finalizers.join(" and ")}`;
}
