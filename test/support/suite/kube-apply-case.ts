import { describe, expect, it } from "vitest";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { createApplier } from "../../../src/kube/apply.ts";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { configMap, type KubeBench } from "./kube-bench.ts";

/** The table of src/kube/apply.ts, row by row, with each state of the object in a cache. */
export function describeApplierCases(bench: KubeBench): void {
  const newApplier = () =>
    createApplier({ client: bench.client(), fieldManager: "catalyst-operator", now: () => new Date() });
  const cached = (object: KubernetesObject) =>
    bench.client().get<ConfigMapObject>(CONFIG_MAPS, object.metadata);

  describe("the applier decides by its stored state, the cache and the live object", () => {
    type Known = "unknown" | "stored" | "annotated";
    type Cache = "nothing" | "behind" | "present";
    type Live = "absent" | "equal" | "edited";
    it.each<[Known, Cache, Live, string]>([
      ["unknown", "nothing", "absent", "created"],
      ["unknown", "nothing", "edited", "updated"],
      ["unknown", "present", "edited", "updated"],
      ["stored", "nothing", "absent", "corrected"],
      ["stored", "nothing", "equal", "unchanged"],
      ["stored", "nothing", "edited", "corrected"],
      ["stored", "behind", "equal", "unchanged"],
      ["stored", "present", "equal", "unchanged"],
      ["stored", "present", "edited", "corrected"],
      ["annotated", "nothing", "equal", "unchanged"],
      ["annotated", "nothing", "edited", "corrected"],
      ["annotated", "present", "equal", "unchanged"],
      ["annotated", "present", "edited", "corrected"],
    ])("%s, cache %s, live %s: %s", async (known, cache, live, outcome) => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const desired = configMap(namespace, "cell", { a: "ours" });
      const first = newApplier();
      let behind: KubernetesObject | undefined;
      if (known === "unknown" && live !== "absent")
        await client.create(CONFIG_MAPS, configMap(namespace, "cell", { a: "theirs" }));
      if (known !== "unknown") {
        await first.apply(configMap(namespace, "cell", { a: "before" }), undefined);
        behind = await cached(desired);
        await first.apply(desired, behind);
        if (live === "edited")
          await client.mergePatch(CONFIG_MAPS, desired.metadata, { data: { a: "theirs" } });
        if (live === "absent") await client.delete(CONFIG_MAPS, desired.metadata);
      }
      const seen = { nothing: undefined, behind, present: await cached(desired) }[cache];
      const applier = known === "annotated" ? newApplier() : first;
      expect((await applier.apply(desired, seen)).kind).toBe(outcome);
      expect(((await cached(desired)) as ConfigMapObject).data).toEqual({ a: "ours" });
    });
  });
}
