import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { SpokeSession } from "../../../../src/controllers/spoke/session.ts";
import { createSpokeWriter } from "../../../../src/controllers/spoke/writer.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const HUB = "uid-of-the-hub";
const desired = franchise("omantel") as unknown as KubernetesObject;

/** A writer with empty caches, and a record of its writes. The server has `live`. */
function writerOf(live: KubernetesObject | undefined) {
  const written: KubernetesObject[] = [];
  const client: Partial<KubeClient> = {
    get: async <T>() => live as T | undefined,
    apply: async (_resource, object) => {
      written.push(object);
      return object;
    },
  };
  const session = { client, uid: "spoke", caches: { all: [] } } as unknown as SpokeSession;
  const writer = createSpokeWriter(session, { hub: HUB, now: () => new Date() });
  return { written, apply: () => writer.apply({ uid: "spoke", objects: [desired], offer: {} }) };
}

const marked = (metadata: Partial<KubernetesObject["metadata"]>): KubernetesObject => ({
  ...desired,
  metadata: { ...desired.metadata, uid: "1", resourceVersion: "1", ...metadata },
});

describe("createSpokeWriter", () => {
  it.each([
    ["has no mark", marked({})],
    ["is another hub's", marked({ annotations: { "catalyst.openova.io/hub": "other" } })],
  ])("leaves an object alone that its cache lacks and that %s", async (_what, live) => {
    const { written, apply } = writerOf(live);
    await expect(apply()).rejects.toThrow("Franchise omantel exists and does not come from this hub");
    expect(written).toEqual([]);
  });

  it.each([
    ["does not exist", undefined],
    ["is the hub's", marked({ annotations: { "catalyst.openova.io/hub": HUB } })],
  ])("writes an object that its cache lacks and that %s", async (_what, live) => {
    const { written, apply } = writerOf(live);
    await apply();
    expect(written.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(["Franchise omantel"]);
  });
});
