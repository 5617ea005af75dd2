import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { kubeErrorOf } from "../../../src/kube/error.ts";
import { addFinalizer, removeFinalizer } from "../../../src/kube/finalizer.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";

const OURS = "catalyst.openova.io/ours";

/** The patches that one effect sends for an object with these finalizers. */
async function run(effect: typeof addFinalizer, finalizers?: string[], deletionTimestamp?: string) {
  const patches: unknown[] = [];
  const client = {
    mergePatch: async (_resource: unknown, { name }: { name: string }, patch: unknown) =>
      void patches.push([name, patch]),
  } as unknown as KubeClient;
  const object: KubernetesObject = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: {
      name: "a",
      resourceVersion: "7",
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
  };
  await effect(client, CONFIG_MAPS, object, OURS);
  return patches;
}
const patchOf = (finalizers: string[]) => ["a", { metadata: { finalizers, resourceVersion: "7" } }];

describe("addFinalizer", () => {
  it.each([
    [undefined, [OURS]],
    [["theirs"], ["theirs", OURS]],
  ])("adds the finalizer to %j, at the version that was read", async (before, after) => {
    expect(await run(addFinalizer, before)).toEqual([patchOf(after)]);
  });

  it("writes nothing when the finalizer is there, or when the object is being deleted", async () => {
    expect(await run(addFinalizer, [OURS])).toEqual([]);
    expect(await run(addFinalizer, ["theirs"], "2026-11-29T12:00:00Z")).toEqual([]);
  });
});

describe("removeFinalizer", () => {
  it("removes only its own finalizer, at the version that was read", async () => {
    expect(await run(removeFinalizer, ["theirs", OURS], "2026-11-29T12:00:00Z")).toEqual([
      patchOf(["theirs"]),
    ]);
  });

  it("does nothing about an object that is gone, and passes other refusals on", async () => {
    const answer = (status: number, reason: string) =>
      ({
        mergePatch: () =>
          Promise.reject(
            kubeErrorOf(
              { method: "PATCH", path: "/", target: "ConfigMap a" },
              status,
              JSON.stringify({ reason }),
              undefined,
            ),
          ),
      }) as unknown as KubeClient;
    const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "a", finalizers: [OURS] } };
    await removeFinalizer(answer(404, "NotFound"), CONFIG_MAPS, object, OURS);
    await expect(removeFinalizer(answer(409, "Conflict"), CONFIG_MAPS, object, OURS)).rejects.toThrow();
  });

  it.each([[undefined], [["theirs"]]])("writes nothing when the finalizers are %j", async (finalizers) => {
    expect(await run(removeFinalizer, finalizers)).toEqual([]);
  });
});
