import { describe, expect, it } from "vitest";
import { findCondition } from "../../../src/api/condition.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import { WEBHOOK_CONFIGURATION } from "../../../src/api/name.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createEnvironmentPolicyReconciler } from "../../../src/controllers/environment-policy/controller.ts";
import { createWebhookConfigurationReconciler } from "../../../src/controllers/webhook-configuration/controller.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { CLUSTER_ROLES, VALIDATING_WEBHOOK_CONFIGURATIONS } from "../../../src/kube/resource.ts";
import { AT, namespaceNamed, readyOf, signal, useKindBench } from "../../support/process/kind-bench.ts";
import { until } from "../../support/wait.ts";

const { bench, common, create, read } = useKindBench();
const DAY_MS = 24 * 3_600_000;

describe("the EnvironmentPolicy controller", () => {
  const policy = (name: string, timeZone: string) =>
    ({
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: "EnvironmentPolicy",
      metadata: { name, namespace: "catalyst-system" },
      spec: {
        appliesTo: { environments: ["*-prod"] },
        rules: [{ "change-window": { cron: "0 22 * * 5", duration: "2h", timeZone } }],
      },
    }) as unknown as KubernetesObject;

  it.each([
    ["muscat", "Asia/Muscat", "Enforceable"],
    ["nowhere", "Asia/Nowhere", "RuleInvalid"],
  ])(
    "judges policy %s by the time zones of this Node, and counts environments",
    async (name, zone, reason) => {
      const { policies, namespaces, policyFindings } = bench.caches();
      const environment = (organization: string, env: string) =>
        namespaceNamed(`${organization}-${env}-${name}`, {
          "catalyst.openova.io/organization": organization,
          "catalyst.openova.io/environment": env,
        });
      await create(policies, policy(name, zone));
      await create(namespaces, environment("acme", "prod"));
      await create(namespaces, environment("acme", "stg"));
      await create(namespaces, namespaceNamed(`half-${name}`, { "catalyst.openova.io/environment": "prod" }));
      await create(
        namespaces,
        namespaceNamed(`other-${name}`, { "catalyst.openova.io/organization": "acme" }),
      );
      const before = name === "muscat" ? 0 : 1;
      const reconcile = createEnvironmentPolicyReconciler({
        ...{ ...common(), policies, namespaces, findings: policyFindings },
      });
      // The window opens on Friday at 22:00, 18:00 UTC.
      const opensAt = "2026-06-05T18:00:00.000Z";
      const requeueAfterMs = Date.parse(opensAt) - AT.getTime();
      expect(await reconcile(`catalyst-system/${name}`, signal)).toEqual({
        ...{ kind: "done", ...(reason === "Enforceable" ? { requeueAfterMs } : {}) },
      });
      const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, name, "catalyst-system");
      expect(seen?.status?.environments).toBe(before + 1);
      expect(seen?.status?.governs).toContain(`acme-prod-${name}`);
      expect(seen?.status?.window?.opensAt).toBe(reason === "Enforceable" ? opensAt : undefined);
      expect(findCondition(seen?.status?.conditions, "Ready")?.reason).toBe(reason);
    },
  );
});

describe("the recent denials of an EnvironmentPolicy", () => {
  it("are in the status of that policy, from the report of all replicas", async () => {
    const { policies, namespaces, policyFindings } = bench.caches();
    const broken = (name: string, lastTime: string) => ({
      ...{ policy: name, environment: "acme-prod", rule: "change-window", enforcement: "Deny", count: 3 },
      ...{ lastTime, user: "amal", object: "deployments/shop", message: "the window is closed" },
    });
    await create(policies, {
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "EnvironmentPolicy" },
      metadata: { name: "broken", namespace: "catalyst-system" },
      spec: { appliesTo: { environments: ["*-prod"] }, rules: [{ "re-score-gate": { minimum: 1 } }] },
    } as unknown as KubernetesObject);
    const rows = [broken("broken", AT.toISOString()), broken("other", AT.toISOString())];
    await create(policyFindings, {
      ...{ apiVersion: "v1", kind: "ConfigMap" },
      metadata: { name: "catalyst-policy-findings", namespace: "catalyst-system" },
      data: { "findings.json": JSON.stringify(rows) },
    } as KubernetesObject);
    const deps = { ...common(), policies, namespaces, findings: policyFindings };
    expect(await createEnvironmentPolicyReconciler(deps)("catalyst-system/broken", signal)).toEqual({
      ...{ kind: "done", requeueAfterMs: DAY_MS },
    });
    const { policy: _, ...shown } = broken("broken", AT.toISOString());
    const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, "broken", "catalyst-system");
    expect(seen?.status?.recentDenials).toEqual([shown]);
  });

  it("are not in the status of a policy with the same name in another namespace", async () => {
    const { policies, namespaces, policyFindings } = bench.caches();
    await create(policies, {
      ...{ apiVersion: "catalyst.openova.io/v1alpha1", kind: "EnvironmentPolicy" },
      metadata: { name: "broken", namespace: "default" },
      spec: { appliesTo: { environments: ["*-prod"] }, rules: [{ "re-score-gate": { minimum: 1 } }] },
    } as unknown as KubernetesObject);
    const deps = { ...common(), policies, namespaces, findings: policyFindings };
    await createEnvironmentPolicyReconciler(deps)("default/broken", signal);
    const seen = await read<EnvironmentPolicy>(ENVIRONMENT_POLICY, "broken", "default");
    expect(seen?.status).not.toHaveProperty("recentDenials");
    expect(readyOf(seen as never)?.reason).toBe("NamespaceInvalid");
  });
});

describe("the webhook configuration's controller", () => {
  it("applies the desired configuration, reports the result, and has it deleted with the operator's role", async () => {
    const applied: string[] = [];
    const role = await bench.client().create<KubernetesObject>(CLUSTER_ROLES, {
      apiVersion: "rbac.authorization.k8s.io/v1",
      kind: "ClusterRole",
      metadata: { name: "catalyst-operator" },
    });
    const reconcile = createWebhookConfigurationReconciler({
      client: bench.client(),
      applier: createApplier(common()),
      configurations: bench.caches().webhookConfigurations,
      desired: () =>
        ({
          apiVersion: "admissionregistration.k8s.io/v1",
          kind: "ValidatingWebhookConfiguration",
          metadata: { name: WEBHOOK_CONFIGURATION },
          webhooks: [],
        }) as unknown as KubernetesObject,
      onDesired: () => undefined,
      onApplied: ({ kind }) => void applied.push(kind),
    });
    expect(await reconcile()).toEqual({ kind: "done", requeueAfterMs: 60_000 });
    expect(applied).toEqual(["created"]);
    const key = { name: WEBHOOK_CONFIGURATION };
    const read = () => bench.client().get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, key);
    expect((await read())?.metadata.ownerReferences).toMatchObject([
      { kind: "ClusterRole", uid: role.metadata.uid },
    ]);

    // As in `helm uninstall`, which deletes the role and not the configuration.
    await bench.client().delete(CLUSTER_ROLES, role.metadata);
    await until(async () => (await read()) === undefined, "the configuration is gone");
  });
});
