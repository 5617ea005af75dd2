import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../api/environment-policy.ts";
import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { keyOf } from "../../kube/resource.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { appliesTo, desiredStatus, ruleProblems } from "./status.ts";

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
      const environments = deps.namespaces.list().filter(({ metadata }) => {
        const { [LABEL.organization]: organization, [LABEL.environment]: environment } =
          metadata.labels ?? {};
        return (
          organization !== undefined &&
          environment !== undefined &&
          appliesTo(policy, organization, environment)
        );
      }).length;
      const observed = { problems: ruleProblems(policy, isTimeZone), environments };
      return {
        status: desiredStatus(policy, observed, at.toISOString()),
        outcome: { kind: "done" },
      };
    },
  });
}

export function environmentPolicyWatches({ policies, namespaces }: EnvironmentPolicyDeps): Watch[] {
  return [
    watchPrimary(policies, isRequestChanged),
    watchInformer(namespaces, ({ metadata }) =>
      metadata.labels?.[LABEL.environment] === undefined
        ? []
        : policies.list().map((policy) => keyOf(policy.metadata)),
    ),
  ];
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
