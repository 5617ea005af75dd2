import { existsSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { ObjectReference } from "../../../src/playground/story/cluster-object.ts";
import { eachMigrationRan, migrationRuns, processesWith } from "../process/playground.ts";
import { signInAtIssuer } from "../server/issuer-sign-in.ts";
import { eventually } from "../wait.ts";
import { kstatusOf } from "./kstatus.ts";
import { testFranchiseeAccess } from "./story-access.ts";
import { type StoryBench, useStoryBench } from "./story-bench.ts";
import { testDriftCorrection } from "./story-drift.ts";
import { testFaults } from "./story-fault.ts";
import { testLedgerAfterCrashes } from "./story-ledger.ts";
import { testLimitRange } from "./story-limit-range.ts";
import { testRights } from "./story-right.ts";
import { testSwappedDatabases } from "./story-swap.ts";

/** The story on either control plane, and then faults on the running playground. The tests share it and run in this order. */
export function describeStory(controlPlane: "embedded" | "real"): void {
  describe(`the playground on the ${controlPlane} control plane`, () => {
    const bench = useStoryBench(controlPlane);
    testStory(bench);
    testFranchiseeAccess(bench);
    testDriftCorrection(bench);
    testFaults(bench);
    testLedgerAfterCrashes(bench);
    testSwappedDatabases(bench);
    if (controlPlane === "real") testLimitRange(bench);
    testRights(bench);

    it("leaves no process and no file after Ctrl-C", async () => {
      expect(await bench.playground.interrupt()).toBe(0);
      expect(existsSync(bench.stateDir)).toBe(false);
      expect(processesWith(bench.stateDir)).toEqual([]);
    });
  });
}

function testStory(bench: StoryBench): void {
  it("passes every step of the story", () => {
    expect(bench.playground.output()).toMatch(/\d+ steps passed, 0 failed/);
    expect(bench.playground.output()).not.toContain("FAILED");
    expect(bench.sovereigns.map(({ name }) => name)).toEqual(["catalyst-zero", "omantel"]);
    for (const { name } of bench.sovereigns)
      expect(migrationRuns(bench.stateDir, name)).toEqual(eachMigrationRan(1));
  });

  it("prints one line for each step, which fits a terminal of 80 columns", () => {
    const [story = ""] = bench.playground.output().split(/^ {2}\d+ steps passed/m);
    const lines = story.split("\n");
    const steps = lines.filter((line) => line.startsWith("  ok "));
    expect(steps).toHaveLength(Number(/(\d+) steps passed/.exec(bench.playground.output())?.[1]));
    expect(lines.filter((line) => line.startsWith("     ") || line.length > 80)).toEqual([]);
  });

  it("gives each object a status that kstatus reads as Current, and as InProgress after a change", async () => {
    const kinds = [
      "BillingRelease",
      "Sovereign",
      "Franchise",
      "EnvironmentPolicy",
      "Blueprint",
      "Organization",
    ] as const;
    for (const kind of kinds) {
      const objects = (await bench.cluster.list(kind)) as unknown as Parameters<typeof kstatusOf>[0][];
      expect(objects.length, kind).toBeGreaterThan(0);
      for (const object of objects) {
        const ready = object.status?.conditions?.find(({ type }) => type === "Ready")?.status;
        expect(object.status?.observedGeneration, kind).toBe(object.metadata.generation);
        expect([kind, ready, kstatusOf(object)]).toEqual([kind, "True", "Current"]);
        // A change makes the object InProgress until the operator has observed its generation.
        const changed = { ...object, metadata: { ...object.metadata, generation: 1_000 } };
        expect(kstatusOf(changed), kind).toBe("InProgress");
      }
    }
  });

  it("serves Catalyst-Zero's voucher API from the operator", async () => {
    const zero = bench.sovereigns.find(({ name }) => name === "catalyst-zero");
    const response = await fetch(`http://${await bench.operatorAddress()}:8085/billing/vouchers/list`, {
      headers: { authorization: `Bearer ${zero?.adminToken}` },
    });
    expect([response.status, await response.json()]).toEqual([200, []]);
  });

  it("ends with links to /admin and to /redeem with a live code, and they answer", async () => {
    const output = bench.playground.output();
    const [redeem = ""] = /http:\S+\/redeem\?code=\S+/.exec(output) ?? [];
    const [admin = ""] = /http:\S+\/admin/.exec(output) ?? [];
    const page = await fetch(redeem);
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining("25")]);
    expect((await fetch(admin)).status).toBe(200);
    expect((await fetch(new URL("/", admin))).url).toBe(new URL("/redeem", admin).href);
  });

  it("signs an administrator in at the playground's issuer, for one Sovereign only", async () => {
    const token = await signInAtIssuer(bench.omantel().url, "sovereign-admin");
    const statusOn = async ({ url }: { url: string }, path: string) =>
      (await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })).status;
    expect(await statusOn(bench.omantel(), "/billing/vouchers/list")).toBe(200);
    expect(await statusOn(bench.omantel(), "/billing/admin/orders")).toBe(403);
    const zero = bench.sovereigns.find(({ name }) => name === "catalyst-zero") ?? bench.omantel();
    expect(await statusOn(zero, "/billing/vouchers/list")).toBe(401);
  });

  it("limits the rate of each visitor behind a trusted proxy, on the Pods and on the embedded API", async () => {
    const zero: ObjectReference = { kind: "Sovereign", name: "catalyst-zero" };
    const { url } = bench.sovereigns.find(({ name }) => name === zero.name) ?? bench.omantel();
    const embedded = `http://${await bench.operatorAddress()}:8085`;
    /** Previews unknown codes until the visitor is limited, and returns how many requests were allowed. */
    const allowedPreviews = async (origin: string, visitor: string) => {
      for (let count = 0; count <= 30; count += 1) {
        const { status } = await fetch(`${origin}/billing/vouchers/redeem-preview`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-forwarded-for": visitor },
          body: JSON.stringify({ code: `MISS-${count}` }),
        });
        if (status === 429) return count;
      }
      return Number.POSITIVE_INFINITY;
    };
    expect([
      await allowedPreviews(embedded, "203.0.113.1"),
      await allowedPreviews(embedded, "203.0.113.2"),
    ]).toEqual([10, 0]);
    const ingress = { host: "zero.catalyst.example", trustedProxies: ["127.0.0.0/8"] };
    await bench.cluster.asAdmin().mergePatch(zero, { spec: { billing: { ingress } } });
    await bench.cluster.waitUntil(
      { kind: "Deployment", name: "billing", namespace: "sovereign-catalyst-zero" },
      "has the trusted proxies",
      (object) => JSON.stringify(object).includes('"value":"127.0.0.0/8"'),
    );
    let visitors = 10;
    /** How many previews one visitor still gets after another was limited. 0 also when the Pod that was asked has just ended. */
    const leftForAnother = async (origin: string) => {
      visitors += 2;
      const asked = [visitors, visitors + 1].map((n) => `198.18.${Math.floor(n / 256)}.${n % 256}`);
      let left = 0;
      for (const visitor of asked) left = await allowedPreviews(origin, visitor).catch(() => 0);
      return left;
    };
    for (const origin of [embedded, url])
      await eventually(async () => expect(await leftForAnother(origin)).toBeGreaterThanOrEqual(10), 60_000);
    await bench.cluster.waitForCondition(zero, "Ready", "True");
  }, 180_000);
}
