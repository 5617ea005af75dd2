import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../src/kube/client.ts";
import { isNotFound } from "../../src/kube/error.ts";
import { POLICY_REPORTS } from "../../src/kube/resource.ts";
import { type ApiConnection, createApiConnection } from "../../src/playground/story/api-connection.ts";
import { type OperatorProcess, startOperatorProcess } from "../support/process/operator-process.ts";
import { startTestControlPlane, type TestControlPlane } from "../support/server/kube-apiserver.ts";
import { prepareCluster } from "../support/server/webhook-replica.ts";
import { POLICY_REPORT_DEFINITION } from "../support/suite/policy-report-definition.ts";
import { eventually } from "../support/wait.ts";

const CONFIGURATION =
  "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/catalyst-operator";
const REPORT = "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/catalyst-admission";

let plane: TestControlPlane;
let client: KubeClient;
let api: ApiConnection;
let operator: OperatorProcess | undefined;

beforeAll(async () => {
  plane = await startTestControlPlane("real");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "enforcement-test" });
  api = createApiConnection(plane.kubeconfigPath);
  await prepareCluster(client);
  const post = (path: string, body: unknown) => client.request({ method: "POST", path, body });
  await post("/api/v1/namespaces", { metadata: { name: "shop" } });
  await post("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name: "mallory" },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "mallory" }],
  });
  await post("/api/v1/namespaces/shop/pods", pod("earlier"));
});
afterAll(async () => {
  await operator?.close();
  await api?.close();
  await client?.close();
  await plane?.close();
});

const pod = (name: string) => ({
  ...{ apiVersion: "v1", kind: "Pod", metadata: { name } },
  spec: { containers: [{ name: "app", image: "registry.test/shop:latest" }] },
});

/** Restarts the operator, as a changed value of the chart does. */
async function restart(enforcement: string) {
  await operator?.stop();
  operator = await startOperatorProcess(plane.kubeconfigPath, {
    ENFORCEMENT: enforcement,
    DRAIN_SECONDS: "0",
  });
}

const get = async <T>(path: string) => (await api.send({ method: "GET", path })).body as T;
/** The API server's answer when a user without rights of the platform runs an image by its tag. */
async function answer() {
  const { status, body } = await api.send({
    ...{ method: "POST", path: "/api/v1/namespaces/shop/pods?dryRun=All", as: "mallory" },
    body: pod("tagged"),
  });
  return { status, message: (body as { message?: string }).message ?? "" };
}
async function failurePolicies() {
  const { webhooks } = await get<{ webhooks: { failurePolicy: string }[] }>(CONFIGURATION);
  return [...new Set(webhooks.map(({ failurePolicy }) => failurePolicy))];
}
const countOf = async (metric: string) =>
  Number(
    new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\d+)`, "m").exec((await operator?.metrics()) ?? "")?.[1] ?? -1,
  );
/** The number of Events which say that admission denies nothing. Repeats are counted in one Event. */
async function notEnforcedReports() {
  const { items } = await get<{ items: { reason: string; count?: number }[] }>("/api/v1/events");
  return items
    .filter(({ reason }) => reason === "AdmissionNotEnforced")
    .reduce((sum, { count = 1 }) => sum + count, 0);
}

describe("the enforcement of a running installation", () => {
  it.each([
    ["Audit", "Ignore", 0],
    ["Deny", "Fail", 1],
    ["Audit", "Ignore", 0],
  ])(
    "switches to %s: webhooks %s, metric %d, and the answers follow",
    async (enforcement, policy, enforcing) => {
      await operator?.stop();
      const reported = await notEnforcedReports();
      await restart(enforcement);
      await eventually(async () => expect(await failurePolicies()).toEqual([policy]));
      expect(await countOf("catalyst_admission_enforcing")).toBe(enforcing);
      // The API server applies a changed configuration after a short delay.
      await eventually(async () => {
        const { status, message } = await answer();
        expect({ status, isDenied: message.includes("image-digest") }).toEqual(
          enforcing === 1 ? { status: 403, isDenied: true } : { status: 201, isDenied: false },
        );
        expect(await countOf("catalyst_admission_violations_total")).toBeGreaterThan(0);
      });
      if (enforcing === 0)
        await eventually(async () => expect(await notEnforcedReports()).toBeGreaterThan(reported));
      else expect(await notEnforcedReports()).toBe(reported);
    },
  );
});

describe("the PolicyReport of installed artifacts", () => {
  it("is not written where the kind is not served, and causes no reconcile error", async () => {
    await restart("Deny");
    await eventually(async () => expect(await countOf("catalyst_untrusted_artifacts")).toBe(1));
    const listed = await client.list(POLICY_REPORTS, { namespace: "shop" }).catch(isNotFound);
    expect(listed, "the kind is not served").toBe(true);
    expect(await operator?.metrics()).not.toMatch(
      /^controller_runtime_reconcile_errors_total\{controller="installedartifact"\} [1-9]/m,
    );
  });

  it("is written on a real API server that serves the kind", async () => {
    await client.request({
      ...{ method: "POST", path: "/apis/apiextensions.k8s.io/v1/customresourcedefinitions" },
      body: POLICY_REPORT_DEFINITION,
    });
    await eventually(() => client.list(POLICY_REPORTS, { namespace: "shop" }));
    await restart("Deny");
    await eventually(async () => {
      const { summary, results } = await get<Record<string, unknown>>(REPORT);
      expect({ summary, results }).toMatchObject({
        summary: { fail: 1 },
        results: [
          {
            ...{ source: "catalyst", policy: "image-signature", category: "trust", result: "fail" },
            resources: [{ kind: "Pod", name: "earlier", namespace: "shop" }],
          },
        ],
      });
    });
  });

  it("is deleted with the last finding", async () => {
    await client.request({
      method: "DELETE",
      path: "/api/v1/namespaces/shop/pods/earlier?gracePeriodSeconds=0",
    });
    await restart("Deny");
    await eventually(async () => expect((await api.send({ method: "GET", path: REPORT })).status).toBe(404));
  });
});
