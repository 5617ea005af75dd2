import { findCondition } from "../../../src/api/condition.ts";
import type { KindDefinition } from "../../../src/api/kind.ts";
import type { CatalystObject, KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import type { Informer } from "../../../src/kube/informer.ts";
import { keyOf, resourceOf } from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { until } from "../wait.ts";
import { useOperatorBench } from "./operator-bench.ts";

export const AT = new Date("2026-06-01T00:00:00.000Z");
export const signal = new AbortController().signal;
const logger = createLogger("test", "silent");

/** The operator bench, for tests that call the reconciler of one kind themselves. */
export function useKindBench() {
  const bench = useOperatorBench();
  return {
    bench,
    common: (at = AT) => ({
      client: bench.client(),
      fieldManager: "catalyst-operator",
      events: bench.recorder(),
      logger,
      now: () => at,
    }),
    /** Creates an object and waits until the cache contains it. */
    async create<T extends KubernetesObject>(cache: Informer<T>, object: KubernetesObject): Promise<void> {
      const key = keyOf((await bench.client().create(cache.resource, object)).metadata);
      await until(
        async () => cache.get(key),
        () => `${object.kind} ${key} in the cache`,
      );
    },
    read: <T extends KubernetesObject>(definition: KindDefinition, name: string, namespace?: string) =>
      bench
        .client()
        .get<T>(resourceOf(definition), { name, ...(namespace === undefined ? {} : { namespace }) }),
  };
}

export const readyOf = (object: CatalystObject<unknown, { conditions?: never }> | undefined) =>
  findCondition((object as Sovereign | undefined)?.status?.conditions, "Ready");

export const namespaceNamed = (name: string, labels: Record<string, string> = {}): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels },
});
