import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../src/api/object.ts";
import { FLAGS } from "../../src/cli/operator-flag-list.ts";
import { desiredOperatorManifests } from "../../src/playground/story/operator-manifest.ts";
import {
  CHART,
  type Container,
  type Deployment,
  DIGEST,
  HELM,
  helm,
  render,
  withoutChartLabels,
} from "./helm-chart.ts";

interface Binding extends KubernetesObject {
  roleRef: { name: string };
  subjects?: { kind: string; name: string }[];
}

const containerOf = (objects: KubernetesObject[]): Container => {
  const deployment = objects.find(({ kind }) => kind === "Deployment") as Deployment;
  return deployment.spec.template.spec.containers[0];
};

type Values = Record<string, unknown>;
const isMembers = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;

/** The members whose default is empty, each with null: as in a values file that has the key alone. */
function emptyMembers(defaults: Values): Values {
  const members = Object.entries(defaults).flatMap(([name, value]): [string, unknown][] => {
    if (isMembers(value)) return [[name, emptyMembers(value)]];
    return ['""', "[]", "{}"].includes(JSON.stringify(value)) ? [[name, null]] : [];
  });
  return Object.fromEntries(members);
}

describe("the chart", () => {
  it("has helm for its tests: test/conformance/build-tools.sh FOLDER builds it", () => {
    expect(existsSync(HELM)).toBe(true);
  });

  it("passes helm lint --strict with its default values", async () => {
    expect(await helm(["lint", "--strict", CHART])).toContain("0 chart(s) failed");
  });

  it("accepts every Pod setting that a Sovereign accepts", async () => {
    const values = [
      "nodeSelector.disk=ssd",
      "tolerations[0].key=gpu,tolerations[0].operator=Exists,tolerations[0].effect=NoSchedule",
      "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=5",
      "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey=zone",
      "resources.requests.cpu=1,resources.limits.nvidia\\.com/gpu=1",
      "image.pullSecrets[0].name=registry",
    ];
    const chart = await render(...values.flatMap((value) => ["--set", value]));
    expect(chart.find(({ kind }) => kind === "Deployment")).toMatchObject({
      spec: {
        template: {
          spec: {
            nodeSelector: { disk: "ssd" },
            tolerations: [{ key: "gpu", operator: "Exists", effect: "NoSchedule" }],
            affinity: { podAntiAffinity: {} },
            imagePullSecrets: [{ name: "registry" }],
          },
        },
      },
    });
  });

  it("names no user, because OpenShift gives each namespace users of its own", async () => {
    const withPods = (await render()).filter(({ kind }) => ["Deployment", "Pod"].includes(kind));
    const text = JSON.stringify(withPods);
    expect(text.match(/"runAsNonRoot":true/g)).toHaveLength(2);
    expect(text).not.toMatch(/"(runAsUser|runAsGroup|fsGroup)":/);
  });

  it("renders the same for a key without a value as for the default, which is empty", async () => {
    const withoutValues = join(mkdtempSync(join(tmpdir(), "catalyst-values-")), "values.json");
    const values = emptyMembers(parse(readFileSync(join(CHART, "values.yaml"), "utf8")));
    expect(Object.keys(values).length).toBeGreaterThan(25);
    writeFileSync(withoutValues, JSON.stringify(values));
    const served = [
      "--api-versions",
      "monitoring.coreos.com/v1",
      "--set",
      "metrics.serviceMonitor.enabled=true",
    ];
    expect(await render(...served, "--values", withoutValues)).toEqual(await render(...served));
    rmSync(dirname(withoutValues), { recursive: true });
  });

  it("gives a Pod 300 s to start, and ends a frozen one 5 s after its probes failed", async () => {
    expect(containerOf(await render())).toMatchObject({
      startupProbe: { periodSeconds: 1, failureThreshold: 300 },
      livenessProbe: { periodSeconds: 10, terminationGracePeriodSeconds: 5 },
    });
  });

  it("sets the variable of every flag that has a chart value", async () => {
    const values = FLAGS.filter(({ chartValue }) => chartValue !== undefined);
    const set = values.flatMap(({ chartValue, fallback }) => {
      const value = {
        registryCaConfigMap: "registryCaConfigMap=registry-ca",
        registryMirrors: "registryMirrors.one\\.example=https://mirror.example",
        registryPullSecrets: "registryPullSecrets={one,two}",
        "platform.groups": "platform.groups={a,b}",
        "platform.serviceAccountNamespaces": "platform.serviceAccountNamespaces={c}",
        "controlPlane.userPrefixes": "controlPlane.userPrefixes={eks:,system:cloud-}",
        "controllers.namespaces": "controllers.namespaces={d}",
        inlineVolumeDrivers: "inlineVolumeDrivers={secrets.csi.example,config.csi.example}",
        "webhook.certificate.secretName":
          "webhook.certificate.mode=secret,webhook.certificate.secretName=own",
        "webhook.clientCertificate.configMapName": "webhook.clientCertificate.configMapName=client-ca",
        "webhook.clientCertificate.names": "webhook.clientCertificate.names={kube-apiserver}",
        "webhook.url": "webhook.url=https://hook.example",
        "voucherApi.sovereign": "voucherApi.sovereign=omantel",
      }[chartValue as string];
      return ["--set", value ?? `${chartValue}=${fallback}`];
    });
    const { env, volumeMounts } = containerOf(await render(...set));
    const given = Object.fromEntries(env.map(({ name, value }) => [name, value]));
    expect(Object.keys(given)).toEqual(expect.arrayContaining(values.map(({ variable }) => variable)));
    expect(given).toMatchObject({
      REGISTRY_MIRRORS: "one.example=https://mirror.example",
      REGISTRY_CA_FILE: "/etc/catalyst/registry-ca/ca.crt",
      REGISTRY_PULL_SECRET_FILES:
        "/etc/catalyst/pull-secret/one/.dockerconfigjson,/etc/catalyst/pull-secret/two/.dockerconfigjson",
      PLATFORM_GROUPS: "a,b",
      PLATFORM_SERVICE_ACCOUNT_NAMESPACES: "c",
      CONTROL_PLANE_USER_PREFIXES: "eks:,system:cloud-",
      CONTROLLER_NAMESPACES: "d",
      INLINE_VOLUME_DRIVERS: "secrets.csi.example,config.csi.example",
      WEBHOOK_PORT: "9443",
      CONCURRENCY: "4",
      LOG_LEVEL: "info",
    });
    expect(volumeMounts?.map(({ mountPath }) => mountPath)).toEqual([
      "/etc/catalyst/webhook",
      "/etc/catalyst/client-ca",
      "/etc/catalyst/registry-ca",
      "/etc/catalyst/pull-secret/one",
      "/etc/catalyst/pull-secret/two",
    ]);
  });

  it("gives a Pod enough time to drain and to stop", async () => {
    const chart = await render("--set", "drainSeconds=60", "--set", "billing.drainSeconds=45");
    const deployment = chart.find(({ kind }) => kind === "Deployment") as Deployment;
    expect(deployment.spec.template.spec.terminationGracePeriodSeconds).toBe(90);
    const given = Object.fromEntries(containerOf(chart).env.map(({ name, value }) => [name, value]));
    expect(given).toMatchObject({ DRAIN_SECONDS: "60", BILLING_DRAIN_SECONDS: "45" });
  });

  it("binds no role of Franchisees: the operator does, while the term of each Franchise runs", async () => {
    const bound = ((await render()) as Binding[]).filter(({ kind }) => kind.endsWith("RoleBinding"));
    const names = bound.map(({ roleRef }) => roleRef.name);
    expect(names).toContain("catalyst-platform");
    expect(names).not.toContain("catalyst-franchisee");
    expect(names).not.toContain("catalyst-catalog-reader");
  });

  it("gives the platform's added groups every right of the built-in group", async () => {
    const rendered = await render("--set", "platform.groups={a,b}");
    const bindings = (group: string) =>
      (rendered as Binding[])
        .filter(({ subjects = [] }) => subjects.some(({ kind, name }) => kind === "Group" && name === group))
        .map(({ kind, metadata: { namespace }, roleRef }) => ({ kind, namespace, roleRef }));
    expect(bindings("catalyst:platform")).toHaveLength(3);
    for (const group of ["a", "b"])
      expect(new Set(bindings(group))).toEqual(new Set(bindings("catalyst:platform")));
  });

  it("keeps names that YAML would read as numbers or truth values", async () => {
    const values = {
      webhook: {
        certificate: { mode: "secret", secretName: "123" },
        clientCertificate: { configMapName: "true" },
      },
      registryCaConfigMap: "1e3",
      registryPullSecrets: ["0123"],
      priorityClassName: "yes",
    };
    const sets = Object.entries(values).flatMap(([name, value]) => [
      "--set-json",
      `${name}=${JSON.stringify(value)}`,
    ]);
    const deployment = (await render(...sets)).find(({ kind }) => kind === "Deployment");
    expect(deployment).toMatchObject({
      spec: {
        template: {
          spec: {
            priorityClassName: "yes",
            volumes: [
              { secret: { secretName: "123" } },
              { configMap: { name: "true" } },
              { configMap: { name: "1e3" } },
              { secret: { secretName: "0123" } },
            ],
          },
        },
      },
    });
  });

  it("creates the hub's identity only on request, with the rights of hub/access.yaml", async () => {
    const ofHub = (objects: KubernetesObject[]) =>
      objects
        .filter(({ metadata }) => metadata.name === "catalyst-hub")
        .sort((a, b) => (a.kind < b.kind ? -1 : 1));
    const access = parseAllDocuments(readFileSync(join(CHART, "hub/access.yaml"), "utf8")).map(
      (document) => document.toJS() as KubernetesObject,
    );
    expect(ofHub(await render())).toEqual([]);
    expect(ofHub(await render("--set", "hub.access=true")).map(withoutChartLabels)).toEqual(ofHub(access));
    expect(ofHub(access).map(({ kind }) => kind)).toEqual([
      ...["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ServiceAccount"],
    ]);
  });

  it("has the same roles, command and ports as the playground", async () => {
    const chart = await render();
    const playground = desiredOperatorManifests({
      image: "unused",
      registryMirrors: "",
      manifestFolder: join(CHART, "files"),
      policyFolder: join(CHART, "../../policies/native"),
    });
    for (const kind of [
      "ClusterRole",
      "Role",
      "ClusterRoleBinding",
      "RoleBinding",
      "ValidatingAdmissionPolicy",
      "ValidatingAdmissionPolicyBinding",
    ]) {
      const strip = (objects: KubernetesObject[]) =>
        objects
          .filter((object) => object.kind === kind)
          .map(({ metadata: { name, namespace }, ...rest }) => ({ name, namespace, ...rest }));
      expect(strip(chart), kind).toEqual(strip(playground));
    }
    const [ours, theirs] = [containerOf(chart), containerOf(playground)];
    expect(ours.ports).toEqual(theirs.ports);
    expect(ours.args[0]).toBe(theirs.args[0]);
    expect(ours.image).toBe(`registry.catalyst.example/catalyst@${DIGEST}`);
    expect(ours.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });
});
