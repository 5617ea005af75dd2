import { BILLING } from "../../api/name.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Sovereign } from "../../api/sovereign.ts";
import type { KubeClient } from "../../kube/client.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { HORIZONTAL_POD_AUTOSCALERS } from "../../kube/resource.ts";
import { isRecent } from "../../platform/recent.ts";
import { namespaceOf } from "./desired-metadata.ts";

interface Autoscaler extends KubernetesObject {
  spec?: { scaleTargetRef?: { kind?: string; name?: string } };
}

/** How long an autoscaler that was found counts before it is looked up again. */
const RECHECK_MS = 600_000;

/** Finds the Sovereigns whose billing Deployment has an autoscaler. One for each term of leadership. */
export interface Autoscalers {
  /** How long the autoscaler that was found still counts, in milliseconds; undefined: there is none. */
  find(sovereign: Sovereign): Promise<number | undefined>;
  forget(sovereign: string): void;
}

/**
 * Asks the API server, because a watch of all autoscalers would deliver each of their status writes, in every cluster. An
 * autoscaler that was found counts for ten minutes. With one list in each reconcile, every event of a scaled Sovereign cost
 * a request.
 */
export function createAutoscalers(deps: { client: Pick<KubeClient, "list">; now: () => Date }): Autoscalers {
  const foundAtMs = new Map<string, number>();
  return {
    async find(sovereign) {
      const { name } = sovereign.metadata;
      const namespace = namespaceOf(sovereign);
      const nowMs = deps.now().getTime();
      const atMs = foundAtMs.get(name);
      if (atMs !== undefined && isRecent(atMs, nowMs, RECHECK_MS)) return atMs + RECHECK_MS - nowMs;
      foundAtMs.delete(name);
      const found = await listIfServed<Autoscaler>(deps.client, HORIZONTAL_POD_AUTOSCALERS, { namespace });
      if (!(found ?? []).some(isOfBilling)) return undefined;
      foundAtMs.set(name, nowMs);
      return RECHECK_MS;
    },
    forget: (sovereign) => void foundAtMs.delete(sovereign),
  };
}

const isOfBilling = ({ metadata, spec }: Autoscaler): boolean =>
  metadata.deletionTimestamp === undefined &&
  spec?.scaleTargetRef?.kind === "Deployment" &&
  spec.scaleTargetRef.name === BILLING.workload;
