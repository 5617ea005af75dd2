import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createInstalledArtifactReconciler } from "../../../src/controllers/installed-artifact/controller.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  EVENTS,
  HELM_RELEASES,
  KUSTOMIZATIONS,
  NAMESPACES,
  OCI_REPOSITORIES,
  PODS,
  type Resource,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { until, useOperatorBench } from "../../support/process/operator-bench.ts";

const bench = useOperatorBench();
const DIGEST = `sha256:${"b".repeat(64)}`;
const AT = new Date("2026-06-01T00:00:00.000Z");

describe("the check of installed artifacts", () => {
  const namespace = "team";
  const counted: [string, number][] = [];
  const pod = (name: string, image: string) =>
    ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
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
  const reconcile = (key: string) => {
    const { namespaces, trust, franchises } = bench.caches();
    return createInstalledArtifactReconciler({
      ...{ client: bench.client(), namespaces, trust, franchises, events, lists: identityLists() },
      checkArtifact: async ({ reference }) =>
        reference.includes("trusted")
          ? { kind: "verified", digest: "sha256:aa", by: "a key" }
          : { kind: "refused", reason: `${reference} is not signed` },
      onCounted: (...of) => void counted.push(of),
    })(key);
  };
  /** Creates an object of a kind of Flux, which the API server serves a moment after its definition. */
  const install = async (resource: Resource, name: string, spec: object) => {
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
    const object = { apiVersion: `${group}/${version}`, kind, metadata: { name, namespace }, spec };
    await until(
      async () =>
        bench
          .client()
          .create(resource, object as KubernetesObject)
          .catch(() => undefined),
      async () => `an object of kind ${kind}`,
    );
  };
  const warnings = async () => {
    await events.flush();
    const { items } = await bench
      .client()
      .list<KubernetesObject & { message: string; reason: string }>(EVENTS, {
        namespace,
      });
    return items.map(({ reason, message }) => `${reason}: ${message}`).toSorted();
  };

  it("reports each Pod whose image the trust does not cover, removes none, and checks again in an hour", async () => {
    await bench
      .client()
      .create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    await until(
      async () => bench.caches().namespaces.get(namespace),
      async () => "the namespace in the cache",
    );
    await bench.client().create(PODS, pod("good", "registry.test/trusted"));
    await bench.client().create(PODS, pod("bad", "registry.test/stray"));
    expect(await reconcile(namespace)).toEqual({ kind: "done", requeueAfterMs: 3_600_000 });
    expect(counted.splice(0)).toEqual([[namespace, 1]]);
    expect(await warnings()).toEqual([
      "ArtifactNotTrusted: spec.containers[0].image: registry.test/stray is not signed",
    ]);
    expect((await bench.client().list(PODS, { namespace })).items).toHaveLength(2);
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
      "InstallNotAllowed: helm-release: spec.targetNamespace: a release must stay in namespace team: remove this field",
      "InstallNotAllowed: install-source: kustomizations/git: only the platform may use kustomizations: install with a HelmRelease and an OCIRepository that names a digest",
    ]);
    for (const resource of [HELM_RELEASES, KUSTOMIZATIONS])
      expect((await bench.client().list(resource, { namespace })).items).toHaveLength(1);
  });

  it("leaves namespaces alone in which only the platform installs, and those that are gone", async () => {
    expect(await reconcile("catalog")).toEqual({ kind: "done" });
    expect(await reconcile("gone")).toEqual({ kind: "done" });
    expect(counted.splice(0)).toEqual([
      ["catalog", 0],
      ["gone", 0],
    ]);
  });
});
