import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../../src/cli/preflight.ts";
import type { Check } from "../../../src/operator/preflight/check.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { runHere } from "../../support/process/command.ts";
import { metadataOf, usePreflightBench } from "../../support/process/preflight-bench.ts";
import { createTestDatabase } from "../../support/server/postgres.ts";
import { prepareCluster } from "../../support/server/webhook-replica.ts";

const RBAC = "/apis/rbac.authorization.k8s.io/v1";
const ROW = {
  ...{ identity: "tenant", user: "salma", rule: "image-digest", count: 3 },
  ...{ firstAt: "2026-06-01T00:00:00.000Z", lastAt: "2026-06-02T00:00:00.000Z" },
  example: { operation: "CREATE", resource: "pods", namespace: "shop", name: "web", path: "spec.image" },
};

const CLEAN = `ok           versions      Kubernetes v1.36.4
ok           names         no name is taken
ok           rights        you may install, upgrade and remove the chart
ok           identity      you, kubernetes-admin, are the platform
ok           certificates  no webhook is installed: there is no certificate yet

enforcement: NotInstalled

No subject has rights that admission refuses to use.

Enforcement Audit has reported nothing.
`;

const bench = usePreflightBench();
const { run, post, patch } = bench;

const bind = (name: string, subject: object) =>
  post(`${RBAC}/clusterrolebindings`, {
    ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRoleBinding", metadata: { name } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "wide" },
    subjects: [subject],
  });

describe("catalyst preflight", () => {
  it("finds no problem on a new cluster, which does not have the operator's kinds", async () => {
    expect(await run()).toEqual({ code: 0, output: CLEAN });
    const { checks, ...rest } = JSON.parse((await run("-o", "json")).output);
    expect(checks.map(({ area, state }: Check) => `${area} ${state}`)).toEqual([
      "versions ok",
      "names ok",
      "rights ok",
      "identity ok",
      "certificates ok",
    ]);
    expect(rest).toEqual({ enforcement: "NotInstalled", outsiders: [], denials: [] });
  });

  it("says that the cluster does not answer, in place of the checks", async () => {
    const away = join(bench.folder, "away");
    const text = readFileSync(bench.plane.kubeconfigPath, "utf8");
    writeFileSync(away, text.replace(/server: \S+/, "server: https://127.0.0.1:1"));
    await expect(run("--kubeconfig", away)).rejects.toThrow("GET /version: https://127.0.0.1:1: ");
  });

  it("lists subjects with wide rights that are in no class, and the report of Audit", async () => {
    await prepareCluster(bench.client);
    await post(`${RBAC}/clusterroles`, {
      ...{ apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata: { name: "wide" } },
      rules: [{ apiGroups: ["argoproj.io"], resources: ["*"], verbs: ["*"] }],
    });
    await bind("argocd", { kind: "ServiceAccount", name: "controller", namespace: "argocd" });
    await bind("ops", { apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: "catalyst:platform" });
    await post("/api/v1/namespaces/catalyst-system/configmaps", {
      ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "catalyst-admission-report" } },
      data: { "report.json": JSON.stringify([ROW]) },
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

  it("lists a user of the cloud's control plane, unless a flag names the beginning of its name", async () => {
    await bind("cloud", { apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "eks:addon-manager" });
    expect((await run()).output).toContain("  User eks:addon-manager\n");
    const { output } = await run("--control-plane-user-prefixes", "eks:");
    expect(output).not.toContain("eks:addon-manager");
  });

  it("shows an untrusted name on one line, without terminal control sequences", async () => {
    const name = "eve\u001b[2J\nok           rights";
    await bind("named", { apiGroup: "rbac.authorization.k8s.io", kind: "User", name });
    expect((await run()).output).toContain("  User eve [2J ok           rights\n");
  });

  it("lists the subjects that could act as accounts of a namespace before the namespace was listed", async () => {
    await post("/api/v1/namespaces", metadataOf("istio"));
    await post(`${RBAC}/namespaces/istio/rolebindings`, {
      ...metadataOf("earlier"),
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "edit" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "mallory" }],
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

  it("lists the missing rights of a person who may read nothing and is in no class", async () => {
    const { code, output } = await run("--kubeconfig", await kubeconfigOf("stranger"));
    expect(code).toBe(1);
    expect(output).toContain(
      "problem      rights        you may not get, create, patch, delete namespaces, customresourcedefinitions, ",
    );
    expect(output).toContain(
      "; get, create, patch, delete, escalate, bind clusterroles, roles; get, create, patch, delete, list, update secrets\n",
    );
    expect(output).toContain(
      "cannot tell  names         GET /apis/apps/v1/namespaces/catalyst-system/deployments/",
    );
    expect(output).toContain("cannot tell  identity      who has rights that admission refuses to use: ");
    expect(output).toMatch(/enforcement: Unknown\n$/);
    expect(output).toContain(
      "problem      identity      you, system:serviceaccount:default:stranger, are not the platform: admission will refuse your upgrades and the uninstall\n",
    );
    expect(output).toContain("here in --platform-service-account-namespaces: default\n");
    const platform = ["--platform-service-account-namespaces", "default"];
    const named = await run("--kubeconfig", await kubeconfigOf("named"), ...platform);
    expect(named.output).toContain(
      "ok           identity      you, system:serviceaccount:default:named, are the",
    );
  });

  it("shows the operator's report on each database, and connects to a database that a flag names", async () => {
    const { apiVersion, kind, metadata, spec } = sovereign("omantel");
    const path = "/apis/catalyst.openova.io/v1alpha1/sovereigns";
    await post(path, { apiVersion, kind, metadata, spec });
    expect((await run()).output).toContain(
      "cannot tell  databases     Sovereign omantel: the operator has not reported its state yet\n",
    );
    for (const [status, line] of [
      ["False", "problem      databases     Sovereign omantel: no route to db\n"],
      ["True", "ok           databases     Sovereign omantel: reachable\n"],
    ] as const) {
      const ready = { type: "DatabaseReady", status, reason: "Checked", message: "no route to db" };
      const conditions = [{ ...ready, lastTransitionTime: "2026-06-01T00:00:00Z" }];
      await patch(`${path}/omantel/status`, { status: { conditions } });
      expect((await run()).output).toContain(line);
    }
    const database = await createTestDatabase();
    const given = (url: string) =>
      runHere(command, [], { KUBECONFIG: bench.plane.kubeconfigPath, DATABASE_URL: url }).then(
        ({ stdout }) => stdout,
      );
    expect(await given(database.url)).toMatch(
      /^ok {11}databases {5}DATABASE_URL: reachable, PostgreSQL \d+\.\d+$/m,
    );
    await database.drop();
    const closed = await given("postgres://u:a-password@127.0.0.1:1/none");
    expect(closed).toMatch(/^problem {6}databases {5}DATABASE_URL: .*ECONNREFUSED/m);
    expect(closed).not.toContain("a-password");
  });
});

async function kubeconfigOf(account: string): Promise<string> {
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: account } });
  const path = join(bench.folder, account);
  writeFileSync(path, await bench.plane.accountKubeconfig(bench.client, "default", account));
  return path;
}
