import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { finalize } from "../../../../src/controllers/sovereign/finalizer.ts";
import type { Applier } from "../../../../src/kube/apply.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import type { Resource } from "../../../../src/kube/resource.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const OURS = "catalyst.openova.io/sovereign";
const label = (owner: string) => ({ "catalyst.openova.io/sovereign": owner });
const namespaceOf = (owner: string): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "sovereign-omantel", labels: label(owner) },
});
const withFinalizers = (finalizers: string[] | undefined, spec: Partial<Sovereign["spec"]> = {}) => {
  const own = sovereign("omantel", spec);
  return {
    ...own,
    metadata: {
      ...own.metadata,
      resourceVersion: "7",
      ...(finalizers === undefined ? {} : { finalizers }),
    },
  };
};

/** Runs one effect, and lists the requests in their order. */
async function run(
  effect: typeof finalize,
  own: Sovereign,
  namespaces: KubernetesObject[] = [namespaceOf("omantel")],
) {
  const calls: unknown[] = [];
  const forgotten: string[] = [];
  const client = {
    get: async () => undefined,
    list: async ({ kind }: Resource, options: object) => {
      calls.push(["list", kind, options]);
      return { items: [{ kind, metadata: { name: `the ${kind}` } }], resourceVersion: "1" };
    },
    mergePatch: async ({ kind }: Resource, { name }: { name: string }, patch: unknown) => {
      calls.push(["patch", kind, name, patch]);
    },
  } as unknown as KubeClient;
  const applier = {
    prune: async (wanted: unknown[], found: KubernetesObject[]) => {
      calls.push(["prune", wanted, found.map(({ metadata }) => metadata.name)]);
      return [];
    },
    forget: (isForgotten: (object: KubernetesObject) => boolean) => {
      const applied = ["omantel", "other"].map(namespaceOf);
      const unlabelled: KubernetesObject = { apiVersion: "v1", kind: "Secret", metadata: { name: "x" } };
      for (const object of [...applied, unlabelled])
        if (isForgotten(object)) forgotten.push(JSON.stringify(object.metadata.labels));
    },
  } as unknown as Applier;
  const { events, ...context } = contextOf(own, { namespaces }, { client, applier });
  await effect(context);
  return { calls, forgotten, events };
}

const patchOf = (finalizers: string[]) => [
  "patch",
  "Sovereign",
  "omantel",
  { metadata: { finalizers, resourceVersion: "7" } },
];

describe("finalize", () => {
  it("deletes the labelled workload from its namespace, says what stays, and then removes its own finalizer", async () => {
    const { calls, forgotten, events } = await run(finalize, withFinalizers(["theirs", OURS]));
    const where = {
      namespace: "sovereign-omantel",
      labelSelector: "catalyst.openova.io/managed-by=operator,catalyst.openova.io/sovereign=omantel",
    };
    expect(calls).toEqual([
      ["list", "Deployment", where],
      ["prune", [], ["the Deployment"]],
      ["list", "Job", where],
      ["prune", [], ["the Job"]],
      patchOf(["theirs"]),
    ]);
    expect(forgotten).toEqual([JSON.stringify(label("omantel"))]);
    expect(events).toEqual([
      {
        type: "Normal",
        reason: "WorkloadDeleted",
        message:
          "the operator kept namespace sovereign-omantel and the database: delete them by hand when their billing records are no longer needed",
      },
    ]);
  });

  it("deletes nothing of a Sovereign that never had its namespace", async () => {
    const { calls, events } = await run(finalize, withFinalizers([OURS]), [namespaceOf("another")]);
    expect(calls).toEqual([patchOf([])]);
    expect(events).toEqual([]);
  });

  it("leaves the workload of a suspended Sovereign as it is, says so, and removes its own finalizer", async () => {
    const { calls, events } = await run(finalize, withFinalizers([OURS], { suspend: true }));
    expect(calls).toEqual([patchOf([])]);
    expect(events).toEqual([
      {
        type: "Normal",
        reason: "WorkloadKept",
        message:
          "the Sovereign was suspended, so the operator left its workload in namespace sovereign-omantel: a Sovereign of the same name takes it over, or delete it by hand",
      },
    ]);
  });

  it.each([[undefined], [["theirs"]]])("does nothing when the finalizers are %j", async (finalizers) => {
    expect(await run(finalize, withFinalizers(finalizers))).toEqual({
      calls: [],
      forgotten: [],
      events: [],
    });
  });
});
