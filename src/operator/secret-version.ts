import type { KubernetesObject } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { SOVEREIGN_INDEX, SOVEREIGN_INDEXES } from "../controllers/sovereign/cache.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import { keyOf, SECRETS } from "../kube/resource.ts";
import { createWorkQueue } from "../kube/work-queue.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";

const RETRY_MS = 5_000;

/**
 * Loads the versions of Secrets that existed before a Sovereign named them, until the signal fires. The cache left these
 * out, because no Sovereign named them when the watch delivered them. A Sovereign without a namespace has no Secrets, so it
 * costs no request. Each Secret is requested once: the watch reports a Secret that is created while a Sovereign names it.
 */
export async function loadNamedSecrets(deps: {
  client: Pick<KubeClient, "list">;
  sovereigns: Informer<Sovereign>;
  namespaces: Informer<KubernetesObject>;
  secretVersions: Informer<KubernetesObject>;
  logger: Logger;
  signal: AbortSignal;
  retryMs?: number;
}): Promise<void> {
  const { client, sovereigns, namespaces, secretVersions, logger, signal, retryMs = RETRY_MS } = deps;
  const queue = createWorkQueue();
  const asked = new Set<string>();

  sovereigns.onChange((event) => {
    const named = event.kind === "deleted" ? [] : namedBy(event.object);
    for (const key of namedBy(event.kind === "updated" ? event.previous : event.object))
      if (!named.includes(key)) asked.delete(key);
    // A platform may withhold the right to watch Secrets.
    if (!secretVersions.isSynced()) return;
    for (const key of named) {
      const [namespace = ""] = key.split("/");
      const isKnown = asked.has(key) || secretVersions.get(key) !== undefined;
      if (!isKnown && namespaces.get(namespace) !== undefined) queue.add(key);
    }
  }, signal);

  await queue.run(load, 1, signal);

  async function load(key: string): Promise<void> {
    // The watch may have delivered it meanwhile, and the Sovereign may be deleted.
    if (secretVersions.get(key) !== undefined) return;
    if (sovereigns.byIndex(SOVEREIGN_INDEX.secret, key).length === 0) return;
    const [namespace = "", name] = key.split("/");
    const wanted = { namespace, fieldSelector: `metadata.name=${name}`, metadataOnly: true, signal };
    try {
      const { items } = await client.list<KubernetesObject>(SECRETS, wanted);
      if (sovereigns.byIndex(SOVEREIGN_INDEX.secret, key).length > 0) asked.add(key);
      for (const item of items) if (keyOf(item.metadata) === key) secretVersions.offer(item);
    } catch (error) {
      if (signal.aborted) return;
      logger.debug({ secret: key, error: errorMessage(error) }, "a Secret's version could not be loaded");
      queue.addAfter(key, retryMs);
    }
  }
}

const namedBy = (sovereign: Sovereign): string[] =>
  SOVEREIGN_INDEXES[SOVEREIGN_INDEX.secret]?.(sovereign) ?? [];
