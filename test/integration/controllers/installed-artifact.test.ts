import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createInstalledArtifactReconciler } from "../../../src/controllers/installed-artifact/controller.ts";
import {
  desiredReport,
  type PolicyReport,
} from "../../../src/controllers/installed-artifact/desired-report.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  ENDPOINT_SLICES,
  EVENTS,
  HELM_RELEASES,
  INGRESSES,
  KUSTOMIZATIONS,
  NAMESPACES,
  OCI_REPOSITORIES,
  PODS,
  POLICY_REPORTS,
  pathOf,
  type Resource,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { sovereign } from "../../support/builder/catalyst-object.ts";
import { SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { until } from "../../support/wait.ts";

const bench = useOperatorBench();
const DIGEST = `sha256:${"b".repeat(64)}`;
const AT = new Date("2026-06-01T00:00:00.000Z");

describe("the check of installed artifacts", () => {
  const namespace = "team";
  const counted: [string, number][] = [];
  let now = AT;
  const pod = (name: string, image: string, at = namespace) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace: at },
      spec: { containers: [{ name: "main", image }] },
    }) as KubernetesObject;
  const events = createEventRecorder({
    client: {
      get: (...args) => bench.client().get(...args),
      create: (...args) => bench.client().create(...args),
      mergePatch: (...args) => bench.client().mergePatch(...args),
    },
    ...{ component: "catalyst-operator", instance: "test", now: () => AT },
    logger: createLogger("test", "silent"),
  });
  const reconcile = (key: string, client = bench.client()) => {
    const { namespaces, trust, franchises, sovereigns, organizations } = bench.caches();
    return createInstalledArtifactReconciler({
      ...{ client, fieldManager: "catalyst-operator", now: () => now },
      ...{ namespaces, trust, franchises, sovereigns, organizations, events, lists: identityLists() },
      checkArtifact: async ({ reference }) =>
        reference.includes("trusted")
          ? { kind: "verified", digest: "sha256:aa", by: "a key" }
          : { kind: "refused", reason: `${reference} is not signed` },
      onCounted: (...of) => void counted.push(of),
    })(key);
  };
  /** Creates a kind whose schema accepts everything. The API server serves it a moment later. */
  const define = async (resource: Resource) => {
    const { group, version, kind, plural } = resource;
    await bench.client().create(CUSTOM_RESOURCE_DEFINITIONS, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: `${plural}.${group}` },
      spec: {
        ...{ group, names: { kind, plural }, scope: "Namespaced" },
        versions: [
          {
            ...{ name: version, served: true, storage: true },
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    } as KubernetesObject);
  };
  /** Creates an object of a kind of Flux. */
  const install = async (resource: Resource, name: string, spec: object) => {
    await define(resource);
    const { group, version, kind } = resource;
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name, namespace }, spec };
    await until(
      async () =>
        bench
          .client()
          .create(resource, object as KubernetesObject)
          .catch(() => undefined),
      () => `an object of kind ${kind}`,
    );
  };
  const report = () =>
    bench.client().get<PolicyReport>(POLICY_REPORTS, { name: "catalyst-admission", namespace });
  const createNamespace = async (name: string) => {
    await bench.client().create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    await until(async () => bench.caches().namespaces.get(name), "the namespace in the cache");
  };
  const warnings = async (at = namespace) => {
    await events.flush();
    const { items } = await bench
      .client()
      .list<KubernetesObject & { message: string; reason: string }>(EVENTS, { namespace: at });
    return items.map(({ reason, message }) => `${reason}: ${message}`).toSorted();
  };

  it("reports each Pod whose image the trust does not cover, removes none, and checks again in an hour", async () => {
    await createNamespace(namespace);
    await bench.client().create(PODS, pod("good", "registry.test/trusted"));
    await bench.client().create(PODS, pod("bad", "registry.test/stray"));
    expect(await reconcile(namespace)).toEqual({ kind: "done", requeueAfterMs: 3_600_000 });
    expect(counted.splice(0)).toEqual([[namespace, 1]]);
    expect(await warnings()).toEqual([
      "ArtifactNotTrusted: spec.containers[0].image: registry.test/stray is not signed",
    ]);
    expect((await bench.client().list(PODS, { namespace })).items).toHaveLength(2);
  });

  it("reports an artifact while the API server cannot list a kind that claims hosts, and tries again", async () => {
    await createNamespace("faulty");
    await bench.client().create(PODS, pod("bad", "registry.test/stray", "faulty"));
    const client: KubeClient = {
      ...bench.client(),
      listPages: (resource, ...rest) =>
        resource === INGRESSES
          ? Promise.reject(new Error("no Ingresses today"))
          : bench.client().listPages(resource, ...rest),
    };
    await expect(reconcile("faulty", client)).rejects.toThrow("no Ingresses today");
    expect(counted.splice(0)).toEqual([["faulty", 1]]);
    expect(await warnings("faulty")).toEqual([
      "ArtifactNotTrusted: spec.containers[0].image: registry.test/stray is not signed",
    ]);
  });

  it("reports an OCIRepository where Flux is installed", async () => {
    const [, resource = PODS] = OCI_REPOSITORIES;
    await install(resource, "chart", { url: "oci://registry.test/chart", ref: { digest: DIGEST } });
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 2]]);
    expect(await warnings()).toContain(
      `ArtifactNotTrusted: spec.ref.digest: oci://registry.test/chart@${DIGEST} is not signed`,
    );
  });

  it("reports a HelmRelease and a Kustomization that admission denies, and removes neither", async () => {
    await install(HELM_RELEASES, "everywhere", {
      chartRef: { kind: "OCIRepository", name: "chart" },
      ...{ serviceAccountName: "robot", targetNamespace: "kube-system" },
    });
    await install(KUSTOMIZATIONS, "git", { path: "./", prune: true });
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 4]]);
    expect((await warnings()).filter((it) => it.startsWith("InstallNotAllowed"))).toEqual([
      "InstallNotAllowed: helm-release: spec.targetNamespace: a release must stay in namespace team; remove this field",
      "InstallNotAllowed: install-source: kustomizations/git: only the platform may use kustomizations; install with a HelmRelease and an OCIRepository that names a digest",
    ]);
    for (const resource of [HELM_RELEASES, KUSTOMIZATIONS])
      expect((await bench.client().list(resource, { namespace })).items).toHaveLength(1);
  });

  it("reports an Ingress with a Sovereign's host and an EndpointSlice with its address, which came in without a webhook", async () => {
    await bench.client().create(SOVEREIGNS, sovereign("omantel", { fqdn: "omantel.test" }));
    await until(async () => bench.caches().sovereigns.get("omantel"), "the Sovereign in the cache");
    const slice = (name: string, at: string, address: string) =>
      bench.client().create(ENDPOINT_SLICES, {
        ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", metadata: { name, namespace: at } },
        ...{ addressType: "IPv4", endpoints: [{ addresses: [address] }], ports: [] },
      } as KubernetesObject);
    await createNamespace("kyverno");
    await slice("billing", "kyverno", "10.244.7.7");
    await slice("taken", namespace, "10.244.7.7");
    await slice("free", namespace, "198.51.100.7");
    await bench.client().create(INGRESSES, {
      ...{ apiVersion: "networking.k8s.io/v1", kind: "Ingress", metadata: { name: "shop", namespace } },
      spec: {
        rules: [
          {
            host: "omantel.test",
            http: {
              paths: [
                { path: "/", pathType: "Prefix", backend: { service: { name: "a", port: { number: 80 } } } },
              ],
            },
          },
        ],
      },
    } as KubernetesObject);
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 6]]);
    expect((await warnings()).filter((it) => it.startsWith("ClaimNotAllowed"))).toEqual([
      "ClaimNotAllowed: service-address: endpoints[0].addresses[0]: address 10.244.7.7 is that of a Pod or a Service in a namespace that is not yours; remove it",
      "ClaimNotAllowed: sovereign-host: spec.rules[0].host: host omantel.test is served by a Sovereign; choose another host name",
    ]);
    await bench.client().delete(INGRESSES, { name: "shop", namespace });
    await bench.client().delete(ENDPOINT_SLICES, { name: "taken", namespace });
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 4]]);
  });

  it("writes a PolicyReport where the kind is served, and writes it again only when a finding changes", async () => {
    await define(POLICY_REPORTS);
    await until(
      async () =>
        bench
          .client()
          .list(POLICY_REPORTS)
          .catch(() => undefined),
      "PolicyReports",
    );
    await reconcile(namespace);
    const first = await report();
    expect(first?.summary).toEqual({ pass: 0, fail: 4, warn: 0, error: 0, skip: 0 });
    expect(
      first?.results.map(({ policy, resources: [on] }) => [policy, on?.kind, on?.name]).toSorted(),
    ).toEqual([
      ["helm-release", "HelmRelease", "everywhere"],
      ["image-signature", "Pod", "bad"],
      ["install-source", "Kustomization", "git"],
      ["oci-repository-signature", "OCIRepository", "chart"],
    ]);
    now = new Date(AT.getTime() + 3_600_000);
    await reconcile(namespace);
    expect((await report())?.metadata.resourceVersion).toBe(first?.metadata.resourceVersion);

    await bench.client().create(PODS, pod("worse", "registry.test/other"));
    await reconcile(namespace);
    const second = await report();
    const seconds = second?.results.map(({ timestamp, resources: [on] }) => [on?.name, timestamp.seconds]);
    expect(seconds?.toSorted()).toEqual([
      ["bad", AT.getTime() / 1000],
      ["chart", AT.getTime() / 1000],
      ["everywhere", AT.getTime() / 1000],
      ["git", AT.getTime() / 1000],
      ["worse", now.getTime() / 1000],
    ]);
    counted.length = 0;
  });

  it("deletes the PolicyReport when nothing is found any more", async () => {
    const installed: [Resource, string][] = [
      [PODS, "bad"],
      [PODS, "worse"],
      [OCI_REPOSITORIES[1] ?? PODS, "chart"],
      [HELM_RELEASES, "everywhere"],
      [KUSTOMIZATIONS, "git"],
    ];
    for (const [resource, name] of installed)
      await bench.client().request({
        method: "DELETE",
        path: pathOf(resource, { name, namespace }),
        query: { gracePeriodSeconds: 0 },
      });
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 0]]);
    expect(await report()).toBeUndefined();
  });

  it("deletes the PolicyReport of a namespace that is no longer judged", async () => {
    const findings = [
      { object: pod("old", "x"), rule: "image-signature", category: "trust", message: "x" },
    ] as const;
    const old = desiredReport("catalog", findings, { live: undefined, now });
    await createNamespace("catalog");
    await bench.client().create(POLICY_REPORTS, old);
    await reconcile("catalog");
    expect(await bench.client().get(POLICY_REPORTS, old.metadata)).toBeUndefined();
    counted.length = 0;
  });

  it("leaves alone the namespaces in which only the platform installs, and deleted ones", async () => {
    expect(await reconcile("catalog")).toEqual({ kind: "done" });
    expect(await reconcile("gone")).toEqual({ kind: "done" });
    expect(counted.splice(0)).toEqual([
      ["catalog", 0],
      ["gone", 0],
    ]);
  });
});
