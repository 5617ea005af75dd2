import {
  appliesTo,
  ENVIRONMENT_POLICY,
  type EnvironmentPolicy,
  environmentOf,
} from "../../api/environment-policy.ts";
import { SYSTEM_NAMESPACE } from "../../api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../../api/object.ts";
import { parseFindings } from "../../api/policy-finding.ts";
import type { Informer } from "../../kube/informer.ts";
import { isRequestChanged, type Watch, watchInformer, watchPrimary } from "../../kube/reconcile.ts";
import { keyOf } from "../../kube/resource.ts";
import { createStatusReconciler, type StatusReconcilerDeps } from "../status-reconciler.ts";
import { desiredStatus, nextChangeMs } from "./status.ts";

export interface EnvironmentPolicyDeps extends StatusReconcilerDeps {
  policies: Informer<EnvironmentPolicy>;
  namespaces: Informer<KubernetesObject>;
  /** ConfigMap `catalyst-policy-findings`. */
  findings: Informer<ConfigMapObject>;
}

/**
 * Keeps the status of a policy accurate: whether it can be enforced, where it applies, when it lets installs pass, and
 * which installs broke it.
 */
export function createEnvironmentPolicyReconciler(deps: EnvironmentPolicyDeps) {
  return createStatusReconciler<EnvironmentPolicy>(deps, {
    kind: ENVIRONMENT_POLICY,
    objects: deps.policies,
    desiredReport(policy, at) {
      const { name, namespace } = policy.metadata;
      const environments = deps.namespaces
        .list()
        .filter((it) => {
          const environment = environmentOf(it);
          return environment !== undefined && appliesTo(policy, environment);
        })
        .map(({ metadata }) => metadata.name);
      const findings = namespace === SYSTEM_NAMESPACE ? deps.findings.list().flatMap(parseFindings) : [];
      const observed = { environments, findings: findings.filter(({ policy: broken }) => broken === name) };
      const status = desiredStatus(policy, observed, at.toISOString());
      const changeMs = nextChangeMs(policy, status, at.getTime());
      return {
        status,
        outcome: {
          kind: "done",
          ...(changeMs === undefined ? {} : { requeueAfterMs: changeMs - at.getTime() }),
        },
      };
    },
  });
}

export function environmentPolicyWatches({ policies, namespaces, findings }: EnvironmentPolicyDeps): Watch[] {
  return [
    watchPrimary(policies, isRequestChanged),
    watchInformer(namespaces, (namespace) =>
      environmentOf(namespace) === undefined ? [] : policies.list().map((policy) => keyOf(policy.metadata)),
    ),
    watchInformer(findings, (report) =>
      parseFindings(report).map(({ policy }) => keyOf({ namespace: SYSTEM_NAMESPACE, name: policy })),
    ),
  ];
}
