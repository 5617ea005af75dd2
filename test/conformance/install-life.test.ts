import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { BILLING_RELEASE } from "../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../src/kube/client.ts";
import {
  CLUSTER_ROLES,
  DEPLOYMENTS,
  NAMESPACES,
  resourceOf,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../src/kube/resource.ts";
import { findFreePort } from "../../src/playground/process/free-port.ts";
import { release } from "../support/builder/catalyst-object.ts";
import { type OperatorProcess, startOperatorProcess } from "../support/process/operator-process.ts";
import { runTool } from "../support/process/tool.ts";
import { startTestControlPlane, type TestControlPlane } from "../support/server/kube-apiserver.ts";
import { eventually } from "../support/wait.ts";
import { adoptionCommands, CHART, DIGEST, TOOLS } from "./helm-chart.ts";

const NAMESPACE = ["--namespace", "catalyst-system"];

const ADMINISTRATOR = {
  user: "kubernetes-admin",
  groups: ["kubeadm:cluster-admins", "system:authenticated"],
};
const ARGO_CD = {
  user: "system:serviceaccount:argocd:argocd-application-controller",
  groups: ["system:serviceaccounts", "system:serviceaccounts:argocd", "system:authenticated"],
};
const ADD_ON_MANAGER = { user: "eks:addon-manager", groups: ["system:authenticated"] };
/** Has every right that RBAC can give, and belongs to no one. */
const STRANGER = { user: "stranger", groups: ["system:authenticated"] };
type Person = typeof ADMINISTRATOR;

let plane: TestControlPlane;
let client: KubeClient;
let operator: OperatorProcess | undefined;
let folder: string;
let webhookUrl: string;

const run = (tool: string, args: string[]) =>
  runTool(join(TOOLS, tool), args, { env: { KUBECONFIG: plane.kubeconfigPath } });
const helm = (args: string[], { user, groups }: Person = ADMINISTRATOR) =>
  run("helm", [...args, "--kube-as-user", user, ...groups.flatMap((group) => ["--kube-as-group", group])]);
const kubectl = (args: string[], { user, groups }: Person = ADMINISTRATOR) =>
  run("kubectl", [...args, "--as", user, ...groups.flatMap((group) => ["--as-group", group])]);

const values = (...set: string[]) => [
  ...NAMESPACE,
  ...[`image.digest=${DIGEST}`, `webhook.url=${webhookUrl}`, ...set].flatMap((value) => ["--set", value]),
];

const configuration = () =>
  client.get<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS, { name: "catalyst-operator" });

/** Binds cluster-admin to a subject, as kubeadm does for its group. */
const makeAdministrator = (name: string, subject: object) =>
  client.request({
    method: "POST",
    path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    body: {
      metadata: { name },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
      subjects: [subject],
    },
  });

/** A kubeconfig with the token of the operator's ServiceAccount: the process has the rights of the chart and no others. */
async function operatorKubeconfig(): Promise<string> {
  const path = join(folder, "operator.kubeconfig");
  writeFileSync(path, await plane.accountKubeconfig(client, "catalyst-system", "catalyst-operator"));
  return path;
}

/** Runs the operator as the installed Deployment says. */
async function startInstalledOperator(): Promise<void> {
  await operator?.stop();
  const deployment = await client.get<KubernetesObject>(DEPLOYMENTS, {
    name: "catalyst-operator",
    namespace: "catalyst-system",
  });
  const { spec } = deployment as unknown as {
    spec: { template: { spec: { containers: [{ env: { name: string; value?: string }[] }] } } };
  };
  const env = spec.template.spec.containers[0].env.flatMap(({ name, value }) =>
    value === undefined ? [] : [[name, value]],
  );
  const ports = { WEBHOOK_PORT: new URL(webhookUrl).port, VOUCHER_API_PORT: "0", DRAIN_SECONDS: "0" };
  const { HTTP_PORT: _port, ...given } = Object.fromEntries(env) as Record<string, string>;
  operator = await startOperatorProcess(await operatorKubeconfig(), { ...given, ...ports });
}

const nginx = (name: string, who: Person) =>
  kubectl(["-n", "default", "create", "deployment", name, "--image", "nginx:latest"], who);

beforeAll(async () => {
  plane = await startTestControlPlane("real");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "install-life-test" });
  folder = mkdtempSync(join(tmpdir(), "catalyst-install-life-"));
  webhookUrl = `https://127.0.0.1:${await findFreePort()}`;
  await Promise.all([
    makeAdministrator("kubeadm:cluster-admins", { kind: "Group", name: "kubeadm:cluster-admins" }),
    makeAdministrator("argocd", {
      kind: "ServiceAccount",
      name: "argocd-application-controller",
      namespace: "argocd",
    }),
    makeAdministrator("eks", { kind: "User", name: ADD_ON_MANAGER.user }),
    makeAdministrator("stranger", { kind: "User", name: "stranger" }),
  ]);
}, 180_000);
afterAll(async () => {
  await operator?.close();
  await client?.close();
  await plane?.close();
  if (folder !== undefined) rmSync(folder, { recursive: true });
});

describe("an installation by an administrator of kubeadm", () => {
  it("uses namespaces that exist, and refuses to replace a trust ConfigMap that it did not create", async () => {
    for (const name of ["catalog", "catalyst-system"])
      await client.create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await kubectl([
      ...NAMESPACE,
      "create",
      "configmap",
      "catalyst-trust",
      "--from-literal=trust.yaml=trust: []",
    ]);
    const install = ["install", "first", CHART, ...values()];
    await expect(helm([...install, "--set", "trust.trust[0].publicKey=pem"])).rejects.toThrow(
      /ConfigMap catalyst-trust exists and is not of release first[\s\S]*kubectl annotate --overwrite configmap catalyst-trust/,
    );
    await helm(install);
    const namespaces = await client.list<KubernetesObject>(NAMESPACES);
    const of = (name: string) => namespaces.items.find(({ metadata }) => metadata.name === name)?.metadata;
    expect(of("catalog")?.annotations).toBeUndefined();
    expect(of("catalog-sovereign")?.annotations).toMatchObject({ "meta.helm.sh/release-name": "first" });
    await startInstalledOperator();
    expect(await operator?.readiness()).toEqual([200, expect.stringMatching(/^ok/)]);
  }, 180_000);

  it("lets the administrator work while it denies others", async () => {
    await expect(nginx("foreign", STRANGER)).rejects.toThrow("denied the request");
    await expect(
      kubectl([...NAMESPACE, "rollout", "restart", "deployment/catalyst-operator"], STRANGER),
    ).rejects.toThrow("belongs to the platform");
    await nginx("web", ADMINISTRATOR);
    await helm(["upgrade", "first", CHART, ...values("concurrency=5")]);
    await kubectl([...NAMESPACE, "rollout", "restart", "deployment/catalyst-operator"]);
  }, 180_000);

  it("lets the administrator delete the webhook configuration, and restores it", async () => {
    const before = await configuration();
    await kubectl(["delete", "validatingwebhookconfiguration", "catalyst-operator"]);
    await eventually(async () =>
      expect(await configuration()).toMatchObject({ webhooks: expect.any(Array) }),
    );
    expect((await configuration())?.metadata.uid).not.toBe(before?.metadata.uid);
  });

  it("admits Argo CD after a value adds its namespace, and always admits the operator", async () => {
    const label = [...NAMESPACE, "label", "--overwrite", "deployment/catalyst-operator", "argocd=here"];
    await expect(kubectl(label, ARGO_CD)).rejects.toThrow("belongs to the platform");
    await helm(["upgrade", "first", CHART, ...values("platform.serviceAccountNamespaces={argocd}")]);
    await startInstalledOperator();
    const named = async () => JSON.stringify(await configuration());
    await eventually(async () => expect(await named()).toContain("argocd"));
    const labelled = () => kubectl(label, ARGO_CD).then(String, String);
    await eventually(async () => expect(await labelled()).toContain("labeled"));
    expect(await operator?.readiness()).toEqual([200, expect.stringMatching(/^ok/)]);
    // The operator writes the configuration again, although no value names the operator's own namespace.
    await kubectl(["delete", "validatingwebhookconfiguration", "catalyst-operator"]);
    await eventually(async () => expect(await configuration()).toBeDefined());
    expect(await operator?.metrics()).toContain("catalyst_webhook_configuration_refused 0");
  }, 180_000);

  it("admits the users of a managed control plane after a value names the beginning of their names", async () => {
    // The webhook judges the first place, and a native policy the second one.
    const places = ["kube-system", "catalyst-system"];
    const write = (place: string) =>
      kubectl(["-n", place, "create", "configmap", "add-on"], ADD_ON_MANAGER).then(String, String);
    for (const place of places) expect(await write(place)).toContain("belongs to the platform");
    await helm(["upgrade", "first", CHART, ...values("controlPlane.userPrefixes={eks:}")]);
    await startInstalledOperator();
    for (const place of places) await eventually(async () => expect(await write(place)).toContain("created"));
  }, 180_000);

  it("is unready, with a metric and an Event, while its webhook configuration cannot be written", async () => {
    const policy = {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "ValidatingAdmissionPolicy",
      metadata: { name: "no-webhooks" },
      spec: {
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ["admissionregistration.k8s.io"],
              apiVersions: ["*"],
              operations: ["CREATE", "UPDATE"],
              resources: ["validatingwebhookconfigurations"],
            },
          ],
        },
        validations: [{ expression: "false", message: "this cluster takes no webhooks" }],
      },
    };
    const binding = {
      apiVersion: policy.apiVersion,
      kind: "ValidatingAdmissionPolicyBinding",
      metadata: policy.metadata,
      spec: { policyName: "no-webhooks", validationActions: ["Deny"] },
    };
    const file = join(folder, "no-webhooks.yaml");
    writeFileSync(file, `${stringify(policy)}---\n${stringify(binding)}`);
    await kubectl(["create", "-f", file]);
    // A policy takes effect some time after its binding is created. Until then, the operator can still restore the
    // configuration.
    await eventually(async () => {
      await kubectl(["delete", "--ignore-not-found", "validatingwebhookconfiguration", "catalyst-operator"]);
      expect(await operator?.readiness()).toEqual([
        503,
        "not ready: the API server refuses to write ValidatingWebhookConfiguration catalyst-operator: its Events say why\n",
      ]);
    });
    expect(await operator?.metrics()).toContain("catalyst_webhook_configuration_refused 1");
    const events = [
      "-n",
      "default",
      "get",
      "events",
      "--field-selector",
      "involvedObject.name=catalyst-operator",
    ];
    await eventually(async () =>
      expect(await kubectl([...events, "-o", "jsonpath={.items[*].message}"])).toContain(
        "this cluster takes no webhooks",
      ),
    );
    await kubectl(["delete", "-f", file]);
    await eventually(async () => expect((await operator?.readiness())?.[0]).toBe(200));
    expect(await operator?.metrics()).toContain("catalyst_webhook_configuration_refused 0");
  }, 180_000);

  it("refuses a second installation beside the first, and says what to do", async () => {
    await expect(helm(["install", "second", CHART, ...values()])).rejects.toThrow(
      /Release first already runs the operator on this cluster[\s\S]*helm upgrade first[\s\S]*helm uninstall first/,
    );
  });

  it("can be removed by the administrator, and takes its webhook configuration with it", async () => {
    await client.create(resourceOf(BILLING_RELEASE), { ...release(), metadata: { name: "kept" } });
    const role = await client.get<KubernetesObject>(CLUSTER_ROLES, { name: "catalyst-operator" });
    // The garbage collector, which this control plane does not run, deletes the configuration with the role.
    expect((await configuration())?.metadata).toMatchObject({
      ownerReferences: [{ kind: "ClusterRole", name: "catalyst-operator", uid: role?.metadata.uid }],
    });
    await helm(["uninstall", "first", ...NAMESPACE]);
    await operator?.stop();
    operator = undefined;
    expect(await client.get(CLUSTER_ROLES, { name: "catalyst-operator" })).toBeUndefined();
    await kubectl(["delete", "--ignore-not-found", "validatingwebhookconfiguration", "catalyst-operator"]);
    await nginx("after", STRANGER);
  }, 180_000);

  it("can be installed again under another name, with the objects of the first", async () => {
    await helm(["install", "second", CHART, ...values()]);
    await startInstalledOperator();
    await expect(nginx("again", STRANGER)).rejects.toThrow("denied the request");
    expect(await client.get(resourceOf(BILLING_RELEASE), { name: "kept" })).toBeDefined();
    await helm(["upgrade", "second", CHART, ...values("concurrency=6")]);
  }, 180_000);

  it("upgrades the CRDs that the first left, after the command in the refusal hands them over", async () => {
    const changed = join(folder, "chart");
    cpSync(CHART, changed, { recursive: true, dereference: true });
    const file = join(changed, "definitions/billingreleases.catalyst.openova.io.yaml");
    writeFileSync(file, readFileSync(file, "utf8").replace("- name: Phase", "- name: Renamed"));
    const upgrade = ["upgrade", "second", changed, ...values()];
    const refusal = await helm(upgrade).catch((error: Error) => error.message);
    expect(refusal).toContain(
      "differ from those of this chart, and are not of release second: billingreleases.catalyst.openova.io",
    );
    for (const args of adoptionCommands(refusal)) await kubectl(args);
    await helm(upgrade);
    expect(await kubectl(["get", "billingreleases"])).toContain("RENAMED");
    expect(await client.get(resourceOf(BILLING_RELEASE), { name: "kept" })).toBeDefined();
  }, 180_000);
});
