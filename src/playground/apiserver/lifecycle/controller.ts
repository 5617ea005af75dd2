import type { Logger } from "../logger.ts";
import type { Registry } from "../registry.ts";
import type { Store } from "../store.ts";
import type { WritePath } from "../write/write-path.ts";
import { startCustomResources } from "./custom-resource.ts";
import { startEventExpiry } from "./event-expiry.ts";
import { startGarbageCollector } from "./garbage-collection.ts";
import { startNamespaceLifecycle } from "./namespace-lifecycle.ts";

export interface ControllerDeps extends Pick<WritePath, "writer" | "remove"> {
  store: Store;
  registry: Registry;
  caPem: string;
  logger: Logger;
  now: () => Date;
  signal: AbortSignal;
}

export interface Controllers {
  /** Resolves when each namespace has its initial objects. */
  namespacesReady(): Promise<void>;
  /** Resolves when no controller has work. */
  idle(): Promise<void>;
}

/** Starts the controllers of the control plane. They end with the signal. */
export function startControllers(deps: ControllerDeps): Controllers {
  const { store, registry, writer, remove, caPem, logger, now, signal } = deps;
  const onError = (what: string, error: unknown) => logger.warn({ err: error }, `${what}: will try again`);
  const custom = startCustomResources({ store, registry, remove, now, onError, signal });
  const collector = startGarbageCollector({ store, registry, remove, onError, signal });
  const namespaces = startNamespaceLifecycle({
    store,
    registry,
    create: writer.create,
    remove,
    caPem,
    now,
    onError,
    signal,
  });
  startEventExpiry({ store, now, signal });
  return {
    namespacesReady: namespaces.idle,
    async idle() {
      await Promise.all([custom.idle(), collector.idle(), namespaces.idle()]);
    },
  };
}
