import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { desiredConfiguration } from "../../../src/controllers/sovereign/desired-configuration.ts";
import {
  desiredNamespace,
  desiredServiceAccounts,
} from "../../../src/controllers/sovereign/desired-metadata.ts";
import { desiredSettings } from "../../../src/controllers/sovereign/desired-settings.ts";
import { desiredWorkload } from "../../../src/controllers/sovereign/desired-workload.ts";
import { createApplier, FieldConflict } from "../../../src/kube/apply.ts";
import { withForeignFields } from "../../../src/kube/informer.ts";
import { CONFIG_MAPS, DEPLOYMENTS, resourceOfManifest, SECRETS } from "../../../src/kube/resource.ts";
import { configMap, type KubeBench } from "./kube-bench.ts";

const MANAGER = "catalyst-operator";
const IMAGE = `registry.catalyst.example/catalyst@sha256:${"a".repeat(64)}`;

type Deployment = KubernetesObject & {
  spec: {
    template: {
      spec: { hostNetwork?: boolean; containers: { name: string; image: string; env?: object[] }[] };
    };
  };
};

const deployment = (namespace: string, image = IMAGE): Deployment =>
  ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "billing", namespace, labels: { app: "billing" } },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "billing" } },
      template: {
        metadata: { labels: { app: "billing" } },
        spec: {
          containers: [
            {
              name: "billing",
              image,
              env: [{ name: "PORT", value: "8085" }],
              resources: { requests: { cpu: "0.5", memory: "1024Mi" }, limits: { cpu: "1000m" } },
            },
          ],
        },
      },
    },
  }) as unknown as Deployment;

export function describeApplier(bench: KubeBench): void {
  let time = Date.now();
  const newApplier = () =>
    createApplier({ client: bench.client(), fieldManager: MANAGER, now: () => new Date(time) });
  /** The object as the operator's caches hold it. */
  async function cached(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const live = await bench.client().get(resourceOfManifest(object), object.metadata);
    return live && withForeignFields<KubernetesObject>(MANAGER)(live);
  }

  describe("the applier", () => {
    it("writes each object of a Sovereign once, although the server adds defaults", async () => {
      const path = join(import.meta.dirname, "../../../docs/examples/50-sovereign-omantel.yaml");
      const example = parse(readFileSync(path, "utf8")) as Sovereign;
      const sovereign: Sovereign = {
        ...example,
        spec: {
          ...example.spec,
          // The keys are what the CRD defaults them to.
          billing: {
            ...example.spec.billing,
            database: { secretRef: { name: "billing-db", key: "uri" } },
            auth: { secretRef: { name: "billing-jwt", key: "secret" } },
            ingress: { host: "billing.omantel.omani.works", className: "nginx" } as never,
          },
        },
      };
      const franchise = undefined;
      const desired = [
        desiredNamespace(sovereign),
        ...desiredServiceAccounts(sovereign),
        desiredConfiguration({
          ...{
            sovereign,
            franchise,
            isInTerm: true,
            blueprints: [],
            orderNoticeUrl: "http://operator/orders-placed",
            operatorJwks: { keys: [] },
          },
          settings: desiredSettings({ sovereign, franchise, isHostTaken: false }),
        }),
        ...desiredWorkload(sovereign, IMAGE, undefined),
      ];
      expect(desired.map(({ kind }) => kind)).toContain("Ingress");
      for (const object of desired)
        expect((await newApplier().apply(object, undefined)).kind, object.kind).toBe("created");
      for (const object of desired) {
        const live = await cached(object);
        const { kind, object: after } = await newApplier().apply(object, live);
        expect(kind, object.kind).toBe("unchanged");
        expect(after).toBe(live);
      }
    });

    it("puts back what another writer changed, and removes what it added", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const desired = deployment(namespace);
      await newApplier().apply(desired, undefined);
      const live = (await client.get<Deployment>(DEPLOYMENTS, desired.metadata)) as Deployment;
      const { spec } = live.spec.template;
      const [billing] = spec.containers;
      await bench.connect("kubectl-edit").replace(DEPLOYMENTS, {
        ...live,
        metadata: { ...live.metadata, labels: { ...live.metadata.labels, team: "theirs" } },
        spec: {
          ...live.spec,
          template: {
            ...live.spec.template,
            spec: {
              ...spec,
              hostNetwork: true,
              containers: [
                {
                  ...billing,
                  image: "evil",
                  env: [...(billing?.env ?? []), { name: "LD_PRELOAD", value: "x" }],
                },
                { name: "miner", image: "miner" },
              ],
            },
          },
        },
      } as Deployment);

      const outcome = await newApplier().apply(desired, await cached(desired));
      expect(outcome.kind).toBe("corrected");
      const fields = outcome.kind === "corrected" ? outcome.fields : [];
      const containers = "spec.template.spec.containers";
      expect(fields).toEqual(
        expect.arrayContaining([
          `${containers}[billing].image`,
          `${containers}[billing].env[LD_PRELOAD]`,
          `${containers}[miner]`,
          "spec.template.spec.hostNetwork",
        ]),
      );
      const after = (await client.get<Deployment>(DEPLOYMENTS, desired.metadata)) as Deployment;
      const { hostNetwork, containers: left } = after.spec.template.spec;
      expect(left.map(({ name, image, env }) => [name, image, env])).toEqual([
        ["billing", IMAGE, [{ name: "PORT", value: "8085" }]],
      ]);
      expect(hostNetwork).toBeUndefined();
      // Labels of other writers stay.
      expect(after.metadata.labels).toEqual({ app: "billing", team: "theirs" });
      expect((await newApplier().apply(desired, await cached(desired))).kind).toBe("unchanged");
    });

    it("distinguishes a change of the desired object from a hand edit, and removes what is no longer desired", async () => {
      const namespace = await bench.namespace();
      const first = { ...configMap(namespace, "settings", { a: "1", b: "2" }) };
      const second = configMap(namespace, "settings", { a: "1" });
      await newApplier().apply(first, undefined);
      expect((await newApplier().apply(second, await cached(second))).kind).toBe("updated");
      expect(((await cached(second)) as ConfigMapObject).data).toEqual({ a: "1" });
    });

    it("reports drift before it puts it back, and reports neither a change of the desired object nor a stale cache", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const applier = newApplier();
      const heard: string[] = [];
      const apply = async (object: ConfigMapObject, live?: KubernetesObject, by = applier) => {
        const { kind } = await by.apply(object, live, async (fields) => {
          const now = (await cached(object)) as ConfigMapObject | undefined;
          heard.push(`${fields.join() || "deleted"} while ${now?.data?.a ?? "gone"}`);
        });
        return kind;
      };
      const ours = configMap(namespace, "watched", { a: "ours" });
      const edit = () => client.mergePatch(CONFIG_MAPS, ours.metadata, { data: { a: "theirs" } });
      expect(await apply(ours)).toBe("created");
      expect(await apply(ours)).toBe("unchanged");
      expect(heard).toEqual([]);
      await edit();
      expect(await apply(ours, await cached(ours))).toBe("corrected");
      await edit();
      expect(await apply(ours, await cached(ours), newApplier())).toBe("corrected");
      await client.delete(CONFIG_MAPS, ours.metadata);
      expect(await apply(ours)).toBe("corrected");
      expect(heard).toEqual(["data.a while theirs", "data.a while theirs", "deleted while gone"]);
      await edit();
      const mine = configMap(namespace, "watched", { a: "mine" });
      expect(await apply(mine, await cached(mine))).toBe("updated");
      expect(heard).toHaveLength(3);
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
      const heard: string[][] = [];
      for (const applier of [first, newApplier()]) {
        const again = await applier.apply(
          desired,
          await cached(desired),
          async (fields) => void heard.push(fields),
        );
        expect(again.kind).toBe("unchanged");
        expect(again.object.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
      }
      expect(object).not.toHaveProperty("stringData");
      expect(heard).toEqual([]);
      await bench.client().mergePatch(SECRETS, desired.metadata, { data: { a: "eA==" } });
      expect((await newApplier().apply(desired, await cached(desired))).kind).toBe("corrected");
    });

    it("creates an object that it was told to forget, and reports no drift", async () => {
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
      // A change of what is desired is not part of the conflict.
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
