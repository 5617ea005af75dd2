import { describe, expect, it } from "vitest";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { createInstalledArtifactReconciler } from "../../../src/controllers/installed-artifact/controller.ts";
import { createEventRecorder } from "../../../src/kube/event.ts";
import {
  CUSTOM_RESOURCE_DEFINITIONS,
  EVENTS,
  NAMESPACES,
  OCI_REPOSITORIES,
  PODS,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { until, useOperatorBench } from "../../support/process/operator-bench.ts";

const bench = useOperatorBench();
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
    const client = bench.client();
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "ocirepositories.source.toolkit.fluxcd.io" },
      spec: {
        group: "source.toolkit.fluxcd.io",
        names: { kind: "OCIRepository", plural: "ocirepositories" },
        scope: "Namespaced",
        versions: [
          {
            name: "v1beta2",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    } as KubernetesObject);
    const [, resource = PODS] = OCI_REPOSITORIES;
    await until(
      async () =>
        client
          .create(resource, {
            apiVersion: "source.toolkit.fluxcd.io/v1beta2",
            kind: "OCIRepository",
            metadata: { name: "chart", namespace },
            spec: { url: "oci://registry.test/chart", ref: { digest: "sha256:bb" } },
          } as KubernetesObject)
          .catch(() => undefined),
      async () => "an OCIRepository",
    );
    await reconcile(namespace);
    expect(counted.splice(0)).toEqual([[namespace, 2]]);
    expect(await warnings()).toContain(
      "ArtifactNotTrusted: spec.ref.digest: oci://registry.test/chart@sha256:bb is not signed",
    );
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
