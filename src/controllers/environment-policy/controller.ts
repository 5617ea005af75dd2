import {
  appliesTo,
  ENVIRONMENT_POLICY,
  type EnvironmentPolicy,
  environmentOf,
} from "../../api/environment-policy.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { keyOf } from "../../kube/resource.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { desiredStatus, nextExceptionEndMs } from "./status.ts";

export interface EnvironmentPolicyDeps extends StatusReconcilerDeps {
  policies: Informer<EnvironmentPolicy>;
  namespaces: Informer<KubernetesObject>;
}

/** Keeps accurate whether a policy can be enforced, and in how many environments it applies. */
export function createEnvironmentPolicyReconciler(deps: EnvironmentPolicyDeps) {
  return createStatusReconciler<EnvironmentPolicy>(deps, {
    kind: ENVIRONMENT_POLICY,
    objects: deps.policies,
    desiredReport(policy, at) {
      const environments = deps.namespaces.list().filter((namespace) => {
        const environment = environmentOf(namespace);
        return environment !== undefined && appliesTo(policy, environment);
      }).length;
      const endMs = nextExceptionEndMs(policy, at.getTime());
      return {
        status: desiredStatus(policy, { environments }, at.toISOString()),
        outcome:
          endMs === undefined ? { kind: "done" } : { kind: "done", requeueAfterMs: endMs - at.getTime() },
      };
    },
  });
}

export function environmentPolicyWatches({ policies, namespaces }: EnvironmentPolicyDeps): Watch[] {
  return [
    watchPrimary(policies, isRequestChanged),
    watchInformer(namespaces, (namespace) =>
      environmentOf(namespace) === undefined ? [] : policies.list().map((policy) => keyOf(policy.metadata)),
    ),
  ];
}
