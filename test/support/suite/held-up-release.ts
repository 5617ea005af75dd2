import type { RequestOptions } from "node:https";
import { KubeConfig } from "@kubernetes/client-node";
import { Agent, request } from "undici";
import { beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { pathOf } from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../builder/catalyst-object.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../process/operator-bench.ts";
import { until } from "../wait.ts";

/** The media type that kubectl asks for when it prints a table. */
const TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io";

interface Table {
  columnDefinitions: { name: string; priority: number }[];
  rows: { cells: unknown[] }[];
}

/** A rollout that one Sovereign holds up, as `kubectl get brel` prints it. */
export function describeHeldUpRelease(start?: Parameters<typeof useOperatorBench>[0]): void {
  const bench = useOperatorBench(start);

  /** The columns that kubectl prints without `-o wide`, with the text of the one release. */
  async function printed(): Promise<Record<string, unknown>> {
    const kubeConfig = new KubeConfig();
    kubeConfig.loadFromString(bench.kubeconfig());
    const options: RequestOptions = {};
    await kubeConfig.applyToHTTPSOptions(options);
    const { ca, cert, key, headers } = options;
    const dispatcher = new Agent({ connect: { ca, cert, key } as never });
    try {
      const { body } = await request(`${kubeConfig.getCurrentCluster()?.server}${pathOf(RELEASES)}`, {
        ...{ dispatcher, headers: { ...(headers as Record<string, string>), accept: TABLE } },
      });
      const { columnDefinitions, rows } = (await body.json()) as Table;
      expect(rows).toHaveLength(1);
      return Object.fromEntries(
        columnDefinitions.flatMap(({ name, priority }, index) =>
          priority === 0 ? [[name, rows[0]?.cells[index]]] : [],
        ),
      );
    } finally {
      await dispatcher.close();
    }
  }

  describe("kubectl get brel", () => {
    beforeAll(async () => {
      const first = release();
      await bench
        .client()
        .create<BillingRelease>(RELEASES, { ...first, spec: { ...first.spec, image: IMAGE } });
      await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
      await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("omantel"));
      bench.startControllers();
      for (const name of ["zero", "omantel"])
        await bench.awaitCondition(name, "Ready", "True", undefined, 30_000);
      await until(
        async () => (await printed()).Phase === "Complete",
        async () => JSON.stringify(await printed()),
      );
    });

    it("names no Sovereign while none holds the release up", async () => {
      const row = await printed();
      expect(Object.keys(row)).toEqual(expect.arrayContaining(["Held Up By", "Because"]));
      expect([row["Held Up By"] ?? "", row.Because ?? ""]).toEqual(["", ""]);
    });

    it("names the Sovereign that holds the release up, and the reason", async () => {
      const namespace = "sovereign-omantel";
      bench.simulation().failingMigrations.set(namespace, "permission denied for schema public");
      await bench.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image: NEXT_IMAGE } });
      await bench.awaitCondition("omantel", "Stalled", "True", "MigrationFailed", 30_000);
      await until(
        async () => (await printed()).Phase === "Halted",
        async () => JSON.stringify(await printed()),
      );
      expect(await printed()).toMatchObject({
        Name: "stable",
        Phase: "Halted",
        "Held Up By": "omantel",
        Because: "MigrationFailed",
      });
    });
  });
}
