import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { command } from "../../../src/cli/preflight.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { runHere } from "../../support/process/command.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ROW = {
  ...{ identity: "tenant", user: "salma", rule: "image-digest", count: 3 },
  ...{ firstAt: "2026-06-01T00:00:00.000Z", lastAt: "2026-06-02T00:00:00.000Z" },
  example: { operation: "CREATE", resource: "pods", namespace: "shop", name: "web", path: "spec.image" },
};

let plane: TestControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "preflight-test" });
});
afterAll(async () => {
  await client?.close();
  await plane?.close();
});

async function run(...args: string[]) {
  const { code, stdout } = await runHere(command, args, { KUBECONFIG: plane.kubeconfigPath });
  return { code, output: stdout };
}

const bind = (name: string, subject: object) =>
  client.request({
    method: "POST",
    path: `${RBAC}/clusterrolebindings`,
    body: {
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name } },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "wide" },
      subjects: [subject],
    },
  });

describe("catalyst preflight", () => {
  it("finds nothing on a new cluster, which lacks the operator's kinds", async () => {
    expect(await run()).toEqual({
      code: 0,
      output:
        "enforcement: NotInstalled\n\nNo subject has rights that admission refuses to use.\n\nEnforcement Audit has reported nothing.\n",
    });
    expect((await run("-o", "json")).output).toBe(
      '{"enforcement":"NotInstalled","outsiders":[],"denials":[]}\n',
    );
  });

  it("lists subjects with wide rights in no class, and the report of Audit", async () => {
    await prepareCluster(client);
    await client.request({
      method: "POST",
      path: `${RBAC}/clusterroles`,
      body: {
        ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "wide" } },
        rules: [{ apiGroups: ["argoproj.io"], resources: ["*"], verbs: ["*"] }],
      },
    });
    await bind("argocd", { kind: "ServiceAccount", name: "controller", namespace: "argocd" });
    await bind("ops", { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "catalyst:platform" });
    await client.request({
      method: "POST",
      path: "/api/v1/namespaces/catalyst-system/configmaps",
      body: {
        ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "catalyst-admission-report" } },
        data: { "report.json": JSON.stringify([ROW]) },
      },
    });
    const { code, output } = await run();
    expect(code).toBe(1);
    expect(output).toContain(
      "  ServiceAccount argocd/controller\n    writes in guarded namespaces, by ClusterRoleBinding argocd\n    installs software, by ClusterRoleBinding argocd\n",
    );
    expect(output).not.toContain("catalyst:platform");
    expect(output).toContain(
      "  image-digest: salma (tenant), 3 times, last at 2026-06-02T00:00:00.000Z\n    for example CREATE pods shop web: spec.image\n",
    );
    const json = JSON.parse((await run("--output", "json")).output);
    expect(json.outsiders.map(({ name }: { name: string }) => name)).toEqual(["controller"]);
    expect(json.denials).toEqual([ROW]);
  });

  it("lists no controller that a flag names", async () => {
    const { output } = await run("--controller-namespaces", "argocd", "-o", "json");
    expect(JSON.parse(output).outsiders).toEqual([]);
  });

  it("lists who could act as accounts of a namespace before it was listed", async () => {
    await client.request({
      method: "POST",
      path: "/api/v1/namespaces",
      body: { metadata: { name: "istio" } },
    });
    await client.request({
      method: "POST",
      path: "/apis/rbac.authorization.k8s.io/v1/namespaces/istio/rolebindings",
      body: {
        metadata: { name: "earlier" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "mallory" }],
      },
    });
    const line = "  User mallory\n    writes in guarded namespaces, by RoleBinding istio/earlier\n";
    expect((await run("--controller-namespaces", "argocd")).output).not.toContain(line);
    const { output } = await run("--controller-namespaces", "argocd,istio");
    expect(output).toContain(line);
    expect(output).toContain("    acts as accounts of others, by RoleBinding istio/earlier\n");
  });

  it.each([[["--output", "xml"]], [["--unknown"]]])("refuses %j", async (args) => {
    await expect(run(...args)).rejects.toThrow();
  });
});
