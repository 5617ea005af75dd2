import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../api/environment-policy.ts";
import { LABEL } from "../../api/label.ts";
import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import type { Informer } from "../../kube/informer.ts";
import {
  isRequestChanged,
  type Outcome,
  type Watch,
  watchInformer,
  watchPrimary,
} from "../../kube/reconcile.ts";
import { keyOf, resourceOf } from "../../kube/resource.ts";
import { createStatusWriter } from "../../kube/status.ts";
import { appliesTo, desiredStatus, ruleProblems } from "./status.ts";

export interface EnvironmentPolicyDeps {
  client: KubeClient;
  fieldManager: string;
  policies: Informer<EnvironmentPolicy>;
  namespaces: Informer<KubernetesObject>;
  now: () => Date;
}

/** Says whether a policy can be enforced, and where it holds. */
export function createEnvironmentPolicyReconciler(deps: EnvironmentPolicyDeps) {
  const statuses = createStatusWriter<EnvironmentPolicy>(deps, resourceOf(ENVIRONMENT_POLICY));
  return async function reconcile(key: string): Promise<Outcome> {
    const cached = deps.policies.get(key);
    if (cached === undefined) {
      statuses.forget(key);
      return { kind: "done" };
    }
    const policy = statuses.newest(cached);
    const environments = deps.namespaces.list().filter(({ metadata }) => {
      const { [LABEL.organization]: organization, [LABEL.environment]: environment } = metadata.labels ?? {};
      return (
        organization !== undefined &&
        environment !== undefined &&
        appliesTo(policy, organization, environment)
      );
    }).length;
    const observed = { problems: ruleProblems(policy, isTimeZone), environments };
    await statuses.write(policy, desiredStatus(policy, observed, deps.now().toISOString()));
    return { kind: "done" };
  };
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
