import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { findHeldDefinitions } from "../../../src/operator/definition-deletion.ts";

const NAME = "sovereigns.catalyst.openova.io";
const now = { timeoutMs: 0, signal: new AbortController().signal };

/** A cluster in which the CRD of Sovereigns is being deleted while these objects are left. */
function clusterWith(objects: object[]): Pick<KubeClient, "get" | "list"> {
  const terminating = { type: "Terminating", status: "True", reason: "InstanceDeletion", message: "waits" };
  const definition = {
    metadata: { name: NAME, deletionTimestamp: "2026-11-24T12:00:00Z" },
    status: { conditions: [terminating] },
  };
  return {
    get: async (_resource: unknown, { name }: { name: string }) => (name === NAME ? definition : undefined),
    list: async () => ({ items: objects as KubernetesObject[] }),
  } as unknown as Pick<KubeClient, "get" | "list">;
}

describe("findHeldDefinitions", () => {
  it("names the first five objects that hold a definition up, and counts the others", async () => {
    const names = ["a", "b", "c", "d", "e", "f", "g"];
    const objects = names.map((name) => ({
      metadata: { name, ...(name === "b" && { finalizers: ["x/y"] }) },
    }));
    expect(await findHeldDefinitions(clusterWith(objects), now)).toEqual([
      `CustomResourceDefinition ${NAME} is not deleted yet, since 2026-11-24T12:00:00Z; Terminating=True (InstanceDeletion: waits); it still has a, b with finalizer x/y, c, d, e, and 2 more`,
    ]);
  });

  it("says when no object is left", async () => {
    expect(await findHeldDefinitions(clusterWith([]), now)).toEqual([
      expect.stringMatching(/; no object is left$/),
    ]);
  });

  it("finds nothing for a person who may not read definitions, and rejects when the API server fails", async () => {
    const failing = (status: number) => ({
      ...clusterWith([]),
      get: () => Promise.reject(new KubeError("refused", { status, reason: "Refused" })),
    });
    expect(await findHeldDefinitions(failing(403), now)).toEqual([]);
    await expect(findHeldDefinitions(failing(500), now)).rejects.toThrow();
  });
});
