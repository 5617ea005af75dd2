import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { KINDS } from "../../../src/api/kind-list.ts";
import { command } from "../../../src/cli/preflight.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import type { Check } from "../../../src/operator/preflight/check.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { runHere } from "../../support/process/command.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
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

const folder = mkdtempSync(join(tmpdir(), "preflight-"));
let plane: TestControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "preflight-test" });
});
afterAll(async () => {
  await client?.close();
  await plane?.close();
  rmSync(folder, { recursive: true });
});

async function run(...args: string[]) {
  const { code, stdout } = await runHere(command, args, { KUBECONFIG: plane.kubeconfigPath });
  return { code, output: stdout };
}

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
    const away = join(folder, "away");
    const text = readFileSync(plane.kubeconfigPath, "utf8");
    writeFileSync(away, text.replace(/server: \S+/, "server: https://127.0.0.1:1"));
    await expect(run("--kubeconfig", away)).rejects.toThrow("GET /version: https://127.0.0.1:1: ");
  });

  it("lists subjects with wide rights that are in no class, and the report of Audit", async () => {
    await prepareCluster(client);
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

  it("finds names that are in use, and objects that a removed installation left", async () => {
    const admission = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    await post("/api/v1/namespaces", { metadata: { name: "catalog" } });
    await post("/api/v1/namespaces/catalyst-system/configmaps", metadataOf("catalyst-trust"));
    await post(admission, { ...metadataOf("catalyst-operator"), webhooks: [WEBHOOK] });
    const left = (await run()).output;
    expect(left).toContain("is left of an installation that is gone: it refuses requests\n");
    expect(left).toContain("ok           names         namespace catalog exists, and is used as it is\n");
    expect(left).toContain(
      "ConfigMap catalyst-trust exists, and is used as it is while the chart's value trust is empty\n",
    );
    const handOver = (from: string) =>
      expect.stringMatching(
        new RegExp(
          `problem +names +CustomResourceDefinition sovereigns.catalyst.openova.io exists, of ${from}, and may differ from that of this version\n +hand it over, its objects stay: kubectl annotate --overwrite crd sovereigns.catalyst.openova.io meta.helm.sh/release-name=catalyst-operator meta.helm.sh/release-namespace=catalyst-system && kubectl label --overwrite crd sovereigns.catalyst.openova.io app.kubernetes.io/managed-by=Helm\n`,
        ),
      );
    expect(left).toEqual(handOver("no release"));
    expect(left).toContain("problem      certificates  the webhook configuration has no authority\n");
    const annotate = async (digestOf: (plural: string) => string) => {
      for (const { plural } of KINDS)
        await patch(`/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${plural}.catalyst.openova.io`, {
          metadata: {
            annotations: { "catalyst.openova.io/definition": digestOf(plural), ...releaseOf("earlier") },
          },
        });
    };
    await annotate(() => "of another version");
    const other = await run();
    expect(other.output).toEqual(handOver("release earlier"));
    expect(other.code).toBe(1);

    // The chart computes the digest of the same file.
    await annotate((plural) =>
      createHash("sha256")
        .update(
          readFileSync(join("charts/catalyst-operator/definitions", `${plural}.catalyst.openova.io.yaml`)),
        )
        .digest("hex"),
    );
    const { output } = await run();
    expect(output).toContain("exists, of release earlier, and is the same as that of this version\n");
    expect(output).not.toContain("hand it over");
  });

  it("distinguishes an upgrade from a second installation", async () => {
    await post(`${RBAC}/clusterroles`, { ...metadataOf("catalyst-operator"), rules: [] });
    expect((await run()).output).toContain(
      "problem      names         ClusterRole catalyst-operator exists and is not of release catalyst-operator\n",
    );
    await patch(`${RBAC}/clusterroles/catalyst-operator`, { metadata: { annotations: releaseOf("ours") } });
    const containers = [
      { name: "operator", image: "example.org/app:1", env: [{ name: "WEBHOOK_CERT_DIR" }] },
    ];
    await post("/apis/apps/v1/namespaces/catalyst-system/deployments", {
      metadata: { name: "catalyst-operator", annotations: releaseOf("ours") },
      spec: {
        selector: { matchLabels: { app: "a" } },
        template: { metadata: { labels: { app: "a" } }, spec: { containers } },
      },
    });
    expect((await run()).output).toContain("the operator is installed already, by release ours\n");
    const { output } = await run("--release", "ours");
    expect(output).toContain("release ours is installed: this is an upgrade\n");
    expect(output).not.toContain("is not of release");
    await patch("/apis/apps/v1/namespaces/catalyst-system/deployments/catalyst-operator", {
      metadata: { annotations: { "meta.helm.sh/release-name": null } },
    });
    expect((await run("--release", "ours")).output).toContain("by something that is no Helm release\n");
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
      runHere(command, [], { KUBECONFIG: plane.kubeconfigPath, DATABASE_URL: url }).then(
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

  it("finds a namespace and a definition that are being deleted", async () => {
    const metadata = { name: "catalog-sovereign", finalizers: ["example.org/held"] };
    const definition =
      "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/franchises.catalyst.openova.io";
    await post("/api/v1/namespaces", { metadata });
    await patch(definition, { metadata: { finalizers: metadata.finalizers } });
    for (const path of ["/api/v1/namespaces/catalog-sovereign", definition])
      await client.request({ method: "DELETE", path });
    const { code, output } = await run("--release", "earlier");
    expect(code).toBe(1);
    expect(output).toMatch(
      /^problem +names +CustomResourceDefinition franchises\.\S+ is being deleted, since \S+\n +wait until it is gone; catalyst uninstall says what holds it up$/m,
    );
    expect(output).toMatch(/^problem +names +Namespace catalog-sovereign is being deleted, since /m);
    await patch("/api/v1/namespaces/catalog-sovereign", { metadata: { finalizers: [] } });
  });
});

const metadataOf = (name: string) => ({ metadata: { name } });
const releaseOf = (name: string) => ({ "meta.helm.sh/release-name": name });
const post = (path: string, body: object) => client.request({ method: "POST", path, body });
const patch = (path: string, body: object) =>
  client.request({ method: "PATCH", path, body, contentType: "application/merge-patch+json" });

/** This webhook matches no request, so it does not affect other tests. */
const WEBHOOK = {
  name: "a.example.org",
  admissionReviewVersions: ["v1"],
  sideEffects: "None",
  clientConfig: { url: "https://127.0.0.1:1/" },
};

async function kubeconfigOf(account: string): Promise<string> {
  await post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: account } });
  const path = join(folder, account);
  writeFileSync(path, await plane.accountKubeconfig(client, "default", account));
  return path;
}
