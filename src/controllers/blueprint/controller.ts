import { BLUEPRINT, type Blueprint } from "../../api/blueprint.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Outcome, type Watch, watchPrimary } from "../../kube/reconcile.ts";
import { resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { desiredStatus, type Verdict } from "./status.ts";

export interface BlueprintDeps {
  client: KubeClient;
  fieldManager: string;
  blueprints: Informer<Blueprint>;
  /** Looks the artifact's signatures up, under the trust that holds for the Blueprint's namespace. */
  verify(blueprint: Blueprint, signal: AbortSignal): Promise<Verdict>;
  now: () => Date;
}

/** A signature that held may be withdrawn with its key; one that was missing may come. */
const LOOK_AGAIN_MS = 10 * 60_000;
const RETRY_MS = 30_000;

export function createBlueprintReconciler(deps: BlueprintDeps) {
  const statuses = createStatusWriter<Blueprint>(deps, resourceOf(BLUEPRINT));
  return async function reconcile(key: string, signal: AbortSignal): Promise<Outcome> {
    const cached = deps.blueprints.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      return { kind: "done" };
    }
    const blueprint = statuses.newest(cached);
    const verdict = await deps.verify(blueprint, signal);
    await statuses.write(blueprint, desiredStatus(blueprint, verdict, deps.now().toISOString()));
    return { kind: "done", requeueAfterMs: verdict.kind === "verified" ? LOOK_AGAIN_MS : RETRY_MS };
  };
}

export const blueprintWatches = ({ blueprints }: BlueprintDeps): Watch[] => [
  watchPrimary(blueprints, isRequestChanged),
];
