import { expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Kubectl, World } from "../support/world.ts";
import type { NodeBench } from "../support/world-hook.ts";
import { omantel } from "./sovereign.ts";

/** The denial of the webhook or of a native policy. */
const DENIED = /denied (the )?request/;

type Manifest = KubernetesObject & Record<string, unknown>;

/** The custom kind of CloudNativePG, with the parts that its operator's objects need. */
const CLUSTER_KIND: Manifest = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "clusters.postgresql.cnpg.io" },
  spec: {
    group: "postgresql.cnpg.io",
    scope: "Namespaced",
    names: { kind: "Cluster", plural: "clusters", singular: "cluster" },
    versions: [
      {
        ...{ name: "v1", served: true, storage: true },
        schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
      },
    ],
  },
};

/** A ServiceAccount with every right of RBAC, so that only admission limits its operator. */
const accountOf = (namespace: string, name: string): Manifest[] => [
  { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace } },
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `neighbour-${name}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: [{ kind: "ServiceAccount", name, namespace }],
  },
];

const write = (world: World, kubectl: Kubectl, ...items: Manifest[]) =>
  kubectl(
    ...["apply", "--server-side", "--filename"],
    world.writeFile("neighbour.json", JSON.stringify({ apiVersion: "v1", kind: "List", items })),
  );

/** Tests other operators beside ours. They use their own ServiceAccounts and tokens in the namespaces that admission guards. */
export function testNeighbours(bench: NodeBench): void {
  it("lets cert-manager renew a certificate in a Sovereign's namespace, and nothing else", async () => {
    const { world } = bench;
    await write(world, world.kubectl, ...accountOf("cert-manager", "cert-manager"));
    const certManager = await world.kubectlOfAccount("cert-manager", "cert-manager");
    const place = ["--namespace", "sovereign-catalyst-zero"];
    const renewed = JSON.stringify({
      metadata: { annotations: { "cert-manager.io/certificate-name": "vouchers" } },
    });
    expect(await certManager(...place, "patch", "secret", "vouchers-tls", "--patch", renewed)).toContain(
      "patched",
    );
    await expect(certManager(...place, "scale", "deployment/billing", "--replicas=0")).rejects.toThrow(
      DENIED,
    );
    await expect(
      certManager("--namespace", "catalyst-system", "delete", "configmap", "catalyst-trust"),
    ).rejects.toThrow(DENIED);
    await expect(certManager("delete", "sovereign", "catalyst-zero")).rejects.toThrow(DENIED);
  }, 120_000);

  it("lets CloudNativePG run an instance with a trusted digest for a Sovereign, and none with a tag", async () => {
    const { world } = bench;
    const { kubectl } = world;
    const { namespace } = omantel(bench);
    await write(world, kubectl, CLUSTER_KIND, ...accountOf("cnpg-system", "cnpg-manager"));
    await kubectl(
      "wait",
      `crd/${CLUSTER_KIND.metadata.name}`,
      "--for=condition=Established",
      "--timeout=60s",
    );
    const self = { apiVersion: "postgresql.cnpg.io/v1", kind: "Cluster" };
    await write(world, kubectl, { ...self, metadata: { name: "billing-db", namespace }, spec: {} });
    const uid = await kubectl(
      "-n",
      namespace,
      "get",
      "cluster",
      "billing-db",
      "--output",
      "jsonpath={.metadata.uid}",
    );
    const owned = (name: string) => ({
      ...{ name, namespace },
      ownerReferences: [{ ...self, name: "billing-db", uid, controller: true }],
    });
    const instance = (name: string, image: string): Manifest => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: owned(name),
      spec: {
        imagePullSecrets: [{ name: "registry" }],
        automountServiceAccountToken: false,
        // The program does not handle SIGTERM.
        terminationGracePeriodSeconds: 0,
        securityContext: {
          ...{ runAsNonRoot: true, runAsUser: 65_532 },
          seccompProfile: { type: "RuntimeDefault" },
        },
        containers: [
          {
            ...{ name: "postgres", image, command: ["node", "--eval", "setInterval(() => {}, 1_000)"] },
            securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
          },
        ],
      },
    });
    const cloudNativePg = await world.kubectlOfAccount("cnpg-system", "cnpg-manager");
    const { image } = bench;
    await write(
      world,
      cloudNativePg,
      { apiVersion: "v1", kind: "Secret", metadata: owned("billing-db-app"), stringData: { user: "app" } },
      {
        ...{ apiVersion: "v1", kind: "Service", metadata: owned("billing-db-rw") },
        spec: { selector: { "cnpg.io/cluster": "billing-db" }, ports: [{ port: 5432 }] },
      },
      instance("billing-db-1", image),
    );
    await kubectl("-n", namespace, "wait", "pod/billing-db-1", "--for=condition=Ready", "--timeout=120s");
    const byTag = instance("billing-db-2", `${image.split("@")[0]}:1`);
    await expect(write(world, cloudNativePg, byTag)).rejects.toThrow("image-digest");
    await expect(cloudNativePg("-n", namespace, "delete", "deployment", "billing")).rejects.toThrow(DENIED);
    await kubectl("-n", namespace, "delete", "cluster", "billing-db");
    await kubectl("-n", namespace, "wait", "pod/billing-db-1", "--for=delete", "--timeout=120s");
  }, 180_000);
}
