import { describe, expect, it } from "vitest";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { FieldConflict } from "../../../src/kube/apply.ts";
import { CONFIG_MAPS, SECRETS } from "../../../src/kube/resource.ts";
import { cached as cachedOn, configMap, type KubeBench, newApplier as newApplierOn } from "./kube-bench.ts";

export function describeApplier(bench: KubeBench): void {
  let time = Date.now();
  const newApplier = () => newApplierOn(bench, () => new Date(time));
  const cached = (object: KubernetesObject) => cachedOn(bench, object);

  describe("the applier", () => {
    it("distinguishes a change of the desired object from a hand edit, and removes fields that are no longer desired", async () => {
      const namespace = await bench.namespace();
      const first = { ...configMap(namespace, "settings", { a: "1", b: "2" }) };
      const second = configMap(namespace, "settings", { a: "1" });
      await newApplier().apply(first, undefined);
      expect((await newApplier().apply(second, await cached(second))).kind).toBe("updated");
      expect(((await cached(second)) as ConfigMapObject).data).toEqual({ a: "1" });
    });

    it("reports drift before it corrects it, and reports neither a change of the desired object nor a stale cache", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const applier = newApplier();
      const reported: string[] = [];
      const apply = async (object: ConfigMapObject, live?: KubernetesObject, by = applier) => {
        const { kind } = await by.apply(object, live, async (fields) => {
          const now = (await cached(object)) as ConfigMapObject | undefined;
          reported.push(`${fields.join() || "deleted"} while ${now?.data?.a ?? "gone"}`);
        });
        return kind;
      };
      const ours = configMap(namespace, "watched", { a: "ours" });
      const edit = () => client.mergePatch(CONFIG_MAPS, ours.metadata, { data: { a: "theirs" } });
      expect(await apply(ours)).toBe("created");
      expect(await apply(ours)).toBe("unchanged");
      expect(reported).toEqual([]);
      await edit();
      expect(await apply(ours, await cached(ours))).toBe("corrected");
      await edit();
      expect(await apply(ours, await cached(ours), newApplier())).toBe("corrected");
      await client.delete(CONFIG_MAPS, ours.metadata);
      expect(await apply(ours)).toBe("corrected");
      expect(reported).toEqual(["data.a while theirs", "data.a while theirs", "deleted while gone"]);
      await edit();
      const mine = configMap(namespace, "watched", { a: "mine" });
      expect(await apply(mine, await cached(mine))).toBe("updated");
      expect(reported).toHaveLength(3);
    });

    it("corrects an edit that removed the object from the cache", async () => {
      const namespace = await bench.namespace();
      const applier = newApplier();
      const desired = configMap(namespace, "hidden", { a: "ours" });
      await applier.apply(desired, undefined);
      await bench.client().mergePatch(CONFIG_MAPS, desired.metadata, {
        metadata: { labels: { app: null } },
        data: { a: "theirs" },
      });
      for (const by of [applier, newApplier()]) {
        const outcome = await by.apply(desired, undefined);
        if (by === applier)
          expect(outcome).toMatchObject({ kind: "corrected", fields: ["data.a", "metadata.labels"] });
        else expect(outcome.kind).toBe("unchanged");
      }
    });

    it("does not treat the server's conversions as an edit, also after a restart", async () => {
      const namespace = await bench.namespace();
      // The server converts `stringData` to bytes and stores them as `data`.
      const desired = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "rewritten", namespace },
        stringData: { a: "ours" },
      };
      const first = newApplier();
      const { object } = await first.apply(desired, undefined);
      const reported: string[][] = [];
      for (const applier of [first, newApplier()]) {
        const again = await applier.apply(
          desired,
          await cached(desired),
          async (fields) => void reported.push(fields),
        );
        expect(again.kind).toBe("unchanged");
        expect(again.object.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
      }
      expect(object).not.toHaveProperty("stringData");
      expect(reported).toEqual([]);
      await bench.client().mergePatch(SECRETS, desired.metadata, { data: { a: "eA==" } });
      expect((await newApplier().apply(desired, await cached(desired))).kind).toBe("corrected");
    });

    it("creates an object again after forget, and reports no drift", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const applier = newApplier();
      const desired = configMap(namespace, "forgotten", { a: "ours" });
      await applier.apply(desired, undefined);
      await client.delete(CONFIG_MAPS, desired.metadata);
      applier.forget(({ metadata }) => metadata.name === "forgotten");
      expect((await applier.apply(desired, undefined)).kind).toBe("created");
    });

    it("does not write twice while its cache lags behind", async () => {
      const namespace = await bench.namespace();
      const applier = newApplier();
      await applier.apply(configMap(namespace, "settings", { a: "1" }), undefined);
      const before = await cached(configMap(namespace, "settings"));
      const desired = configMap(namespace, "settings", { a: "2" });
      const written = await applier.apply(desired, before);
      expect(written.kind).toBe("updated");
      const again = await applier.apply(desired, before);
      expect(again.kind).toBe("unchanged");
      expect(again.object).toBe(written.object);
    });

    it("pauses corrections of a contested field and names it", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const applier = newApplier();
      const desired = configMap(namespace, "contested", { a: "ours", b: "ours" });
      await applier.apply(desired, undefined);
      const attack = () => client.mergePatch(CONFIG_MAPS, desired.metadata, { data: { a: "theirs" } });
      for (let i = 0; i < 7; i += 1) {
        await attack();
        expect((await applier.apply(desired, await cached(desired))).kind).toBe("corrected");
        time += 1_000;
      }
      await attack();
      const conflict = await applier.apply(desired, await cached(desired)).catch((error: unknown) => error);
      expect(conflict).toBeInstanceOf(FieldConflict);
      expect((conflict as FieldConflict).message).toContain("ConfigMap");
      expect((conflict as FieldConflict).message).toContain("data.a;");
      expect(((await cached(desired)) as ConfigMapObject).data?.a).toBe("theirs");
      // A change of the desired object is not part of the conflict.
      const changed = configMap(namespace, "contested", { a: "ours", b: "new" });
      expect((await applier.apply(changed, await cached(changed))).kind).toBe("updated");
      time += 200_000;
      await attack();
      expect((await applier.apply(changed, await cached(changed))).kind).toBe("corrected");
    });

    it("prunes objects that are no longer desired, but never a later object of the same name", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const [kept, dropped, remade] = ["kept", "dropped", "remade"].map((name) => configMap(namespace, name));
      for (const object of [kept, dropped, remade])
        await client.create(CONFIG_MAPS, object as ConfigMapObject);
      const owned = (
        await client.list<ConfigMapObject>(CONFIG_MAPS, { namespace, labelSelector: "app=kube-suite" })
      ).items;
      await client.delete(CONFIG_MAPS, { namespace, name: "remade" });
      await client.create(CONFIG_MAPS, remade as ConfigMapObject);

      const withoutRemade = owned.filter(({ metadata }) => metadata.name !== "remade");
      const pruned = await newApplier().prune([kept as ConfigMapObject], withoutRemade);
      expect(pruned.map(({ metadata }) => metadata.name)).toEqual(["dropped"]);
      await expect(newApplier().prune([kept as ConfigMapObject], owned)).rejects.toMatchObject({
        reason: "Conflict",
      });
      const left = (await client.list(CONFIG_MAPS, { namespace, labelSelector: "app=kube-suite" })).items;
      expect(left.map(({ metadata }) => metadata.name)).toEqual(["kept", "remade"]);
    });
  });
}
