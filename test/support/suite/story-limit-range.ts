import { expect, it } from "vitest";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject, SecretObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { messageOf } from "../../../src/playground/story/api-connection.ts";
import { eventually } from "../wait.ts";
import { DEPLOYMENT, SOVEREIGN, type StoryBench } from "./story-bench.ts";

const REFUSAL = "minimum memory usage per Container is 1Gi";

/** A LimitRange in the Sovereign's namespace. Only the real API server enforces it. */
export function testLimitRange(bench: StoryBench): void {
  it("says in Migrated which limit range refuses the Pod of a migration, and migrates when it is gone", async () => {
    const admin = bench.cluster.asAdmin();
    const namespace = "sovereign-omantel";
    const migrated = (object: KubernetesObject) =>
      findCondition((object as Sovereign).status?.conditions, "Migrated");
    const ranges = `/api/v1/namespaces/${namespace}/limitranges`;
    const body = {
      ...{ apiVersion: "v1", kind: "LimitRange", metadata: { name: "large" } },
      spec: { limits: [{ type: "Container", min: { memory: "1Gi" } }] },
    };
    expect((await bench.api.send({ method: "POST", path: ranges, body })).status).toBe(201);
    try {
      const { spec } = await bench.cluster.mustGet<{ spec: { template: { spec: object } } }>(DEPLOYMENT);
      const probe = {
        ...{ apiVersion: "v1", kind: "Pod", spec: spec.template.spec },
        metadata: { name: "probe", namespace },
      };
      const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
      // The API server reads limit ranges from a cache. The Pod of the migration must not come before.
      await eventually(async () =>
        expect(messageOf(await bench.api.send({ method: "POST", path, body: probe }))).toContain(REFUSAL),
      );
      const secret = { kind: "Secret", name: "billing-db", namespace } as const;
      const { data } = await bench.cluster.mustGet<SecretObject>(secret);
      // A Secret that is created again may name another database, so the Job runs again.
      try {
        await admin.remove(secret);
      } finally {
        await admin.mustApply({
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: secret.name, namespace },
          data,
        } as never);
      }
      const refused = await bench.cluster.waitUntil(
        SOVEREIGN,
        "says which limit range refuses its migration",
        (object) => migrated(object)?.message.includes(REFUSAL) === true,
      );
      expect(migrated(refused)).toMatchObject({ status: "False", reason: "PodsRefused" });
      expect(migrated(refused)?.message).toMatch(
        /: change the quota, the limit range or the policy that refuses them$/,
      );
    } finally {
      await bench.api.send({ method: "DELETE", path: `${ranges}/large` });
    }
    await bench.cluster.waitUntil(SOVEREIGN, "is migrated", (object) => migrated(object)?.status === "True");
    await bench.waitUntilReady();
  });
}
