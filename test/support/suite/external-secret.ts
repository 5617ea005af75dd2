import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import type { OwnedObject } from "../../../src/kube/foreign-field.ts";
import { DEPLOYMENTS, NAMESPACES, SECRETS } from "../../../src/kube/resource.ts";
import { release, sovereign } from "../builder/catalyst-object.ts";
import type { ControllerRun } from "../process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../process/operator-bench.ts";
import { databaseUrlOf } from "../server/simulated-workload.ts";
import { until } from "../wait.ts";

const namespace = "sovereign-zero";
const DATABASE = "billing-database";
const KEY = "billing-signing-key";
const DEPLOYMENT = { namespace, name: "billing" };
const KEY_VALUE = "a-key-of-at-least-thirty-two-bytes";

/**
 * A Sovereign whose Secrets External Secrets writes, as it does with `creationPolicy: Owner`: the ExternalSecret is their
 * controller, and each refresh replaces the whole object.
 */
export function describeExternalSecrets(start?: Parameters<typeof useOperatorBench>[0]): void {
  const bench = useOperatorBench(start);
  let run: ControllerRun;
  let refreshes = 0;

  const secretOf = (name: string, values: Record<string, string>): KubernetesObject => {
    refreshes += 1;
    const owner = { apiVersion: "external-secrets.io/v1", kind: "ExternalSecret", name, uid: `uid-${name}` };
    const metadata = {
      ...{ name, namespace },
      labels: { "reconcile.external-secrets.io/managed": "true" },
      annotations: { "reconcile.external-secrets.io/data-hash": `hash-${refreshes}` },
      ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }],
    };
    return { apiVersion: "v1", kind: "Secret", metadata, stringData: values } as KubernetesObject;
  };
  const read = (name: string) => bench.client().get<OwnedObject>(SECRETS, { namespace, name });

  /** Writes the Secret as a refresh does: the newest version, replaced as a whole. */
  async function refresh(name: string, values: Record<string, string>): Promise<void> {
    const live = await read(name);
    const secret = secretOf(name, values);
    if (live === undefined) await bench.client().create(SECRETS, secret);
    else {
      const { resourceVersion } = live.metadata;
      const metadata = { ...secret.metadata, resourceVersion };
      await bench.client().replace(SECRETS, { ...secret, metadata } as KubernetesObject);
    }
  }
  const refreshDatabase = (password: string) =>
    refresh(DATABASE, { uri: databaseUrlOf(namespace).replace("secret", password) });
  const deployment = async () => (await bench.client().get(DEPLOYMENTS, DEPLOYMENT))?.metadata;

  /** Waits until the Deployment has this generation and the Sovereign is Ready, and nothing more happens. */
  async function restedAt(generation: number): Promise<void> {
    await until(
      async () => (await deployment())?.generation === generation,
      async () => `generation ${generation}; it is ${(await deployment())?.generation}`,
    );
    await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
    await settled(run);
    expect((await deployment())?.generation).toBe(generation);
  }

  describe("Secrets that External Secrets writes", () => {
    beforeAll(async () => {
      await bench.client().create<BillingRelease>(RELEASES, release());
      run = bench.startControllers();
      const own = sovereign("zero", { role: "CatalystZero" });
      const { billing } = own.spec;
      const named = {
        ...billing,
        database: { secretRef: { name: DATABASE, key: "uri" } },
        auth: { secretRef: { name: KEY, key: "secret" } },
      };
      await bench.client().create<Sovereign>(SOVEREIGNS, { ...own, spec: { ...own.spec, billing: named } });
      await until(
        async () => bench.client().get(NAMESPACES, { name: namespace }),
        async () => namespace,
      );
      await refreshDatabase("first");
      await refresh(KEY, { secret: KEY_VALUE });
      await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
      await settled(run);
    });

    it("change nothing when a refresh writes the same values again", async () => {
      const before = await deployment();
      await refreshDatabase("first");
      await refresh(KEY, { secret: KEY_VALUE });
      await settled(run);
      expect((await deployment())?.resourceVersion).toBe(before?.resourceVersion);
    });

    it("replace the Pods once when a refresh writes another value, without another migration", async () => {
      const { generation = 0 } = (await deployment()) ?? {};
      const migrations = bench.simulation().migrations.length;
      await refreshDatabase("second");
      await restedAt(generation + 1);
      await refreshDatabase("second");
      await settled(run);
      await restedAt(generation + 1);
      expect(bench.simulation().migrations.length).toBe(migrations);
    });

    it("keep the Pods when a Secret is deleted and made again with the same values", async () => {
      const { generation = 0, uid } = (await deployment()) ?? {};
      await bench.client().delete(SECRETS, { namespace, name: DATABASE });
      await bench.awaitCondition("zero", "Ready", "False", undefined, 30_000);
      await settled(run);
      expect(await deployment()).toMatchObject({ generation, uid });
      await refreshDatabase("second");
      await restedAt(generation);
    });

    it("replace the Pods once when a Secret is deleted and made again with another value", async () => {
      const { generation = 0 } = (await deployment()) ?? {};
      await bench.client().delete(SECRETS, { namespace, name: DATABASE });
      await refreshDatabase("third");
      await restedAt(generation + 1);
    });

    it("are never written by the operator, keep their owner, and count as no drift", async () => {
      expect(run.calls.filter((call) => / Secret /.test(call) && !call.startsWith("get "))).toEqual([]);
      for (const name of [DATABASE, KEY]) {
        const { metadata } = (await read(name)) ?? {};
        expect(metadata?.ownerReferences).toMatchObject([{ kind: "ExternalSecret", controller: true }]);
        expect(metadata?.finalizers).toBeUndefined();
        expect(metadata?.managedFields?.map(({ manager }) => manager)).not.toContain("catalyst-operator");
      }
      expect(run.drifts).toEqual([]);
      const reasons = (await bench.events("zero")).map(({ reason }) => reason);
      expect(reasons).not.toContain("DriftCorrected");
      expect(reasons).not.toContain("FieldConflict");
    });

    it("stay when the Sovereign is deleted", async () => {
      await bench.client().delete(SOVEREIGNS, { name: "zero" });
      await until(async () => (await bench.sovereign("zero")) === undefined, "the Sovereign is gone");
      for (const name of [DATABASE, KEY]) expect(await read(name)).toBeDefined();
    });
  });
}
