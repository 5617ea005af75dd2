import { Gauge, type Registry } from "../platform/metrics.ts";

/** Counts installed objects that the present trust or the rules do not allow. */
export interface UntrustedGauge {
  /** Replaces the number of a namespace. */
  count(namespace: string, untrusted: number): void;
  /** Call it when the leadership ends. A replica that no longer leads must not keep its last number. */
  reset(): void;
}

export function createUntrustedGauge(registry: Registry): UntrustedGauge {
  const byNamespace = new Map<string, number>();
  const gauge = new Gauge({
    name: "catalyst_untrusted_artifacts",
    help: "Pods, OCIRepositories, HelmReleases, Kustomizations, Ingresses, Gateways, routes, Services and EndpointSlices that the present trust or the rules do not allow. Events name them.",
    registers: [registry],
  });
  return {
    count(namespace, untrusted) {
      const before = byNamespace.get(namespace) ?? 0;
      if (untrusted === 0) byNamespace.delete(namespace);
      else byNamespace.set(namespace, untrusted);
      gauge.inc(untrusted - before);
    },
    reset() {
      byNamespace.clear();
      gauge.set(0);
    },
  };
}
