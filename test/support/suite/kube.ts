import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import {
  isAlreadyExists,
  isConflict,
  isForbidden,
  isInvalid,
  type KubeError,
} from "../../../src/kube/error.ts";
import { createInformer, type InformerOptions } from "../../../src/kube/informer.ts";
import {
  CONFIG_MAPS,
  NAMESPACES,
  type Resource,
  SECRETS,
  SERVICE_ACCOUNTS,
} from "../../../src/kube/resource.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { startTestControlPlane, type TestControlPlane } from "../server/kube-apiserver.ts";
import { until } from "../wait.ts";
import { describeApplier } from "./kube-apply.ts";
import { describeApplierCases } from "./kube-apply-case.ts";
import { describeWorkloadApplier } from "./kube-apply-workload.ts";
import { configMap, type KubeBench } from "./kube-bench.ts";
import { describeLeaderElection } from "./kube-election.ts";
import { describeNeighbours } from "./kube-neighbour.ts";
import { describeEvents, describeStatus } from "./kube-report.ts";

const logger = createLogger("test", "silent");

const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => {
      throw new Error("it was not refused");
    },
    (error: unknown) => error as KubeError,
  );

/** The same behaviour against either API server. */
export function describeKubeControlPlane(kind: "embedded" | "real"): void {
  describe(`src/kube against the ${kind} API server`, () => {
    let plane: TestControlPlane;
    const clients: KubeClient[] = [];
    const stop = new AbortController();
    const running: Promise<void>[] = [];
    let namespaces = 0;

    const bench: KubeBench = {
      plane: () => plane,
      client: () => clients[0] as KubeClient,
      connect(userAgent) {
        const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent });
        clients.push(client);
        return client;
      },
      async namespace() {
        namespaces += 1;
        const name = `kube-${namespaces}`;
        await bench.client().create(NAMESPACES, { apiVersion: "v1", kind: "Namespace", metadata: { name } });
        return name;
      },
      async follow<T extends KubernetesObject>(resource: Resource, options: InformerOptions<T> = {}) {
        const informer = createInformer<T>({ client: bench.client(), logger }, resource, options);
        running.push(informer.run(stop.signal));
        await informer.synced;
        return informer;
      },
    };

    beforeAll(async () => {
      plane = await startTestControlPlane(kind);
      bench.connect("catalyst-operator");
    });
    afterAll(async () => {
      stop.abort();
      await Promise.all(running);
      for (const client of clients) await client.close();
      await plane?.close();
    });

    describeClient(bench);
    describeInformer(bench);
    describeStatus(bench);
    describeEvents(bench);
    describeApplier(bench);
    describeWorkloadApplier(bench);
    describeApplierCases(bench);
    describeNeighbours(bench);
    describeLeaderElection(bench);
  });
}

function describeClient(bench: KubeBench): void {
  describe("the client", () => {
    it("creates, reads, replaces and deletes, and gives the reason of a refusal", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const key = { namespace, name: "settings" };
      expect(await client.get(CONFIG_MAPS, key)).toBeUndefined();
      const created = await client.create(CONFIG_MAPS, configMap(namespace, "settings", { a: "1" }));
      expect(
        isAlreadyExists(await refused(client.create(CONFIG_MAPS, configMap(namespace, "settings")))),
      ).toBe(true);

      const replaced = await client.replace(CONFIG_MAPS, { ...created, data: { a: "2" } });
      expect(replaced.data).toEqual({ a: "2" });
      expect(isConflict(await refused(client.replace(CONFIG_MAPS, { ...created, data: { a: "3" } })))).toBe(
        true,
      );
      const patched = await client.mergePatch<ConfigMapObject>(CONFIG_MAPS, key, { data: { b: "x" } });
      expect(patched.data).toEqual({ a: "2", b: "x" });

      const stale = { uid: "00000000-0000-0000-0000-000000000000" };
      expect(isConflict(await refused(client.delete(CONFIG_MAPS, key, stale)))).toBe(true);
      const { uid = "" } = patched.metadata;
      expect(await client.delete(CONFIG_MAPS, key, { uid })).toBe(true);
      expect(await client.delete(CONFIG_MAPS, key, { uid })).toBe(false);
    });

    it("names the field that is invalid", async () => {
      const namespace = await bench.namespace();
      const error = await refused(bench.client().create(CONFIG_MAPS, configMap(namespace, "Not_A_Name")));
      expect(isInvalid(error)).toBe(true);
      expect(error.causes.map(({ field }) => field)).toEqual(["metadata.name"]);
    });

    it("lists more objects than fit on a page", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const names = Array.from({ length: 520 }, (_, i) => `item-${String(i).padStart(3, "0")}`);
      for (let i = 0; i < names.length; i += 26)
        await Promise.all(
          names.slice(i, i + 26).map((name) => client.create(CONFIG_MAPS, configMap(namespace, name))),
        );
      const { items } = await client.list(CONFIG_MAPS, { namespace, labelSelector: "app=kube-suite" });
      expect(items.map(({ metadata }) => metadata.name)).toEqual(names);
      expect(items[519]).toMatchObject({ apiVersion: "v1", kind: "ConfigMap" });
    });

    it("takes fields from another manager only with force", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const desired = (a: string) => configMap(namespace, "shared", { a });
      await client.apply(CONFIG_MAPS, desired("1"), { fieldManager: "somebody" });
      const polite = client.apply(CONFIG_MAPS, desired("2"), { fieldManager: "us", force: false });
      expect(isConflict(await refused(polite))).toBe(true);
      const taken = await client.apply(CONFIG_MAPS, desired("2"), { fieldManager: "us" });
      expect(taken.data).toEqual({ a: "2" });
    });

    it("requests a ServiceAccount's token, which has only the rights of that account", async () => {
      const namespace = await bench.namespace();
      const key = { namespace, name: "worker" };
      await bench
        .client()
        .create(SERVICE_ACCOUNTS, { apiVersion: "v1", kind: "ServiceAccount", metadata: key });
      const { token, expirationTimestamp } = await bench.client().createToken(key, 600);
      expect(Date.parse(expirationTimestamp) - Date.now()).toBeLessThan(700_000);
      const config = bench.plane().kubeConfig();
      config.users = [{ name: config.getCurrentUser()?.name ?? "", token }];
      const worker = createKubeClient({ kubeConfig: config, userAgent: "worker" });
      const error = await refused(worker.list(CONFIG_MAPS, { namespace }));
      await worker.close();
      expect(isForbidden(error)).toBe(true);
      expect(error.message).toContain(`system:serviceaccount:${namespace}:worker`);
    });
  });
}

function describeInformer(bench: KubeBench): void {
  describe("an informer", () => {
    it("follows other clients' changes, and applies its selector", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      await client.create(CONFIG_MAPS, configMap(namespace, "first"));
      const informer = await bench.follow<ConfigMapObject>(CONFIG_MAPS, {
        namespace,
        labelSelector: "app=kube-suite",
      });
      const received: string[] = [];
      informer.onChange(({ kind, object }) => received.push(`${kind} ${object.metadata.name}`));

      await client.create(CONFIG_MAPS, {
        ...configMap(namespace, "other"),
        metadata: { name: "other", namespace },
      });
      await client.create(CONFIG_MAPS, configMap(namespace, "second"));
      await client.mergePatch(CONFIG_MAPS, { namespace, name: "second" }, { data: { a: "1" } });
      // The object no longer matches the selector, so this informer reports its deletion.
      await client.mergePatch(
        CONFIG_MAPS,
        { namespace, name: "first" },
        { metadata: { labels: { app: null } } },
      );
      await client.delete(CONFIG_MAPS, { namespace, name: "second" });
      await until(() => received.length === 5, `five events, not ${received}`);
      expect(received).toEqual([
        "added first",
        "added second",
        "updated second",
        "deleted first",
        "deleted second",
      ]);
      expect(informer.list()).toEqual([]);
    });

    it("receives no value of an object when it asks for metadata", async () => {
      const client = bench.client();
      const namespace = await bench.namespace();
      const secret = (value: string) => ({
        ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "hidden", namespace } },
        stringData: { password: value },
      });
      await client.apply(SECRETS, secret("one"), { fieldManager: "us" });
      const informer = await bench.follow(SECRETS, { namespace, metadataOnly: true });
      const received: KubernetesObject[] = [];
      informer.onChange(({ object }) => received.push(object));
      await client.apply(SECRETS, secret("two"), { fieldManager: "us" });
      await until(() => received.length === 2, "the change");
      await client.delete(SECRETS, { namespace, name: "hidden" });
      await until(() => received.length === 3, "the deletion");
      for (const object of received) {
        expect(Object.keys(object).sort()).toEqual(["apiVersion", "kind", "metadata"]);
        expect(object).toMatchObject({ apiVersion: "v1", kind: "Secret", metadata: { name: "hidden" } });
      }
    });

    it("keeps no managedFields", async () => {
      const namespace = await bench.namespace();
      const written = await bench
        .client()
        .apply(CONFIG_MAPS, configMap(namespace, "lean"), { fieldManager: "us" });
      expect(written.metadata).toHaveProperty("managedFields");
      const informer = await bench.follow<ConfigMapObject>(CONFIG_MAPS, { namespace });
      expect(informer.get(`${namespace}/lean`)?.metadata).not.toHaveProperty("managedFields");
    });
  });
}
