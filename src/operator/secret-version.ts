import type { KubernetesObject } from "../api/object.ts";
import type { Sovereign } from "../api/sovereign.ts";
import { SOVEREIGN_INDEX, SOVEREIGN_INDEXES } from "../controllers/sovereign/cache.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Informer } from "../kube/informer.ts";
import { keyOf, SECRETS } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";

const RETRY_MS = 5_000;

/**
 * Loads the versions of Secrets that are older than the Sovereign that names them, until the signal fires: the cache left them out,
 * because none named them. A Sovereign without a namespace has no Secrets, so that it costs no request.
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
  const wanted = new Set<string>();
  let wake = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => wake.resolve(), { once: true });

  sovereigns.onChange((event) => {
    // A platform may withhold the right to watch Secrets.
    if (event.kind === "deleted" || !secretVersions.isSynced()) return;
    for (const key of SOVEREIGN_INDEXES[SOVEREIGN_INDEX.secret]?.(event.object) ?? []) {
      const [namespace = ""] = key.split("/");
      if (secretVersions.get(key) === undefined && namespaces.get(namespace) !== undefined) wanted.add(key);
    }
    wake.resolve();
  }, signal);

  while (!signal.aborted) {
    for (const key of wanted) {
      wanted.delete(key);
      try {
        await load(key);
      } catch (error) {
        if (signal.aborted) return;
        logger.debug({ secret: key, error: errorMessage(error) }, "a Secret's version could not be loaded");
        wanted.add(key);
        await sleep(retryMs, signal);
      }
    }
    await wake.promise;
    wake = Promise.withResolvers();
    if (signal.aborted) return;
  }

  async function load(key: string): Promise<void> {
    // The watch may have brought it meanwhile, and the Sovereign may be gone.
    if (secretVersions.get(key) !== undefined) return;
    if (sovereigns.byIndex(SOVEREIGN_INDEX.secret, key).length === 0) return;
    const [namespace = "", name] = key.split("/");
    const { items } = await client.list<KubernetesObject>(SECRETS, {
      ...{ namespace, fieldSelector: `metadata.name=${name}`, metadataOnly: true, signal },
    });
    for (const item of items) if (keyOf(item.metadata) === key) secretVersions.offer(item);
  }
}
