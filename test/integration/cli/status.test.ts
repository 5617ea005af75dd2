import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import { command } from "../../../src/cli/status.ts";
import { condition, IMAGE, NEXT_IMAGE, release, sovereign } from "../../support/builder/catalyst-object.ts";
import { runHere } from "../../support/process/command.ts";
import { RELEASES, SOVEREIGNS, useOperatorBench } from "../../support/process/operator-bench.ts";
import { sendRefusal, startScriptedApi } from "../../support/server/scripted-api.ts";

const bench = useOperatorBench();
const folder = mkdtempSync(join(tmpdir(), "status-"));
const kubeconfig = join(folder, "kubeconfig");
const SINCE = "2026-11-24T12:00:00Z";

async function run(...args: string[]) {
  const { code, stdout } = await runHere(command, args, { KUBECONFIG: kubeconfig });
  return { code, output: stdout.replaceAll(/\(\d+[dhms]\)/g, "(age)") };
}

const PULL = "Pod p cannot pull the image: correct spec.image of the BillingRelease";
const ZERO = `Sovereign zero: not Ready
  is:      catalyst@sha256:bbbbbbbbbbbb
  should:  catalyst@sha256:bbbbbbbbbbbb, version 2.0.0 of BillingRelease stable
  held by: MigrationDeadlineExceeded, since ${SINCE} (age)
           the migration has not ended
  also:    Migrated ImagePullFailed
           ${PULL}
`;
const STABLE = `BillingRelease stable: not Ready
  is:      0 of 2 Sovereigns verified, phase Halted
  should:  catalyst@sha256:bbbbbbbbbbbb, version 2.0.0
  held by: Halted, since ${SINCE} (age)
           a Sovereign failed on it
  also:    zero MigrationDeadlineExceeded
           the migration has not ended
`;

const SECOND = `BillingRelease second: not Ready
  is:      1 of 2 Sovereigns verified, phase Degraded, rollout complete since ${SINCE}
  should:  catalyst@sha256:bbbbbbbbbbbb, version 2.0.0
  held by: Degraded, since ${SINCE} (age)
           Sovereign omantel needs a person
  also:    omantel CrashLoop
           see its Pods
`;

describe("catalyst status", () => {
  afterAll(() => rmSync(folder, { recursive: true }));
  beforeAll(async () => {
    writeFileSync(kubeconfig, bench.kubeconfig());
    const failed = (reason: string, message: string, type = "Ready") => ({
      ...condition(type, "False", SINCE),
      ...{ reason, message },
    });
    const write = async (resource: typeof SOVEREIGNS, object: Sovereign | BillingRelease, status: object) => {
      await bench.client().create(resource, object);
      await bench.client().mergePatch(resource, object.metadata, { status }, "status");
    };
    await write(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }), {
      pinnedImage: NEXT_IMAGE,
      conditions: [
        failed("ImagePullFailed", PULL, "Migrated"),
        failed("MigrationDeadlineExceeded", "the migration has not ended"),
      ],
    });
    await write(SOVEREIGNS, sovereign("omantel"), {
      pinnedImage: IMAGE,
      conditions: [condition("Ready", "True", SINCE)],
    });
    const inSovereign = { name: "omantel", state: "Failed", reason: "CrashLoop", message: "see its Pods" };
    const degraded = release();
    await write(
      RELEASES,
      { ...degraded, metadata: { name: "second" } },
      {
        ...{ phase: "Degraded", sovereigns: 2, verified: 1 },
        rollout: { image: NEXT_IMAGE, stages: [], completedAt: SINCE, heldUpBy: [inSovereign] },
        conditions: [failed("Degraded", "Sovereign omantel needs a person")],
      },
    );
    await write(RELEASES, release(), {
      ...{ phase: "Halted", sovereigns: 2, verified: 0 },
      rollout: {
        ...{ image: NEXT_IMAGE, stages: [] },
        heldUpBy: [
          {
            ...{ name: "zero", state: "Failed", reason: "MigrationDeadlineExceeded" },
            message: "the migration has not ended",
          },
        ],
      },
      conditions: [failed("Halted", "a Sovereign failed on it")],
    });
  });

  it("shows the actual and the desired image of a Sovereign, its obstacle with the time, and the remedy", async () => {
    expect(await run("sovereign", "zero")).toEqual({ code: 1, output: ZERO });
    expect(await run("sovereign", "omantel")).toEqual({
      code: 0,
      output: `Sovereign omantel: Ready
  is:      catalyst@sha256:aaaaaaaaaaaa
  should:  catalyst@sha256:bbbbbbbbbbbb, version 2.0.0 of BillingRelease stable
`,
    });
  });

  it("shows which Sovereigns hold up a release", async () => {
    expect(await run("release", "stable")).toEqual({ code: 1, output: STABLE });
  });

  it("shows when the rollout of a release was complete, and which Sovereign degrades it", async () => {
    expect(await run("release", "second")).toEqual({ code: 1, output: SECOND });
    const { output } = await run("release", "second", "-o", "json");
    expect(JSON.parse(output)).toMatchObject([
      { completedAt: SINCE, also: [{ reason: "omantel CrashLoop" }] },
    ]);
  });

  it("shows the fleet: first the objects that are not Ready, then a line for each other one", async () => {
    expect(await run()).toEqual({
      code: 1,
      output: `1 of 4 are Ready.\n${SECOND}${STABLE}${ZERO}Sovereign omantel: Ready, catalyst@sha256:aaaaaaaaaaaa\n`,
    });
  });

  it("writes JSON for programs", async () => {
    const { code, output } = await run("release", "stable", "-o", "json");
    expect([code, JSON.parse(output)]).toEqual([
      1,
      [
        {
          ...{ kind: "BillingRelease", name: "stable", ready: "False" },
          is: "0 of 2 Sovereigns verified, phase Halted",
          should: "catalyst@sha256:bbbbbbbbbbbb, version 2.0.0",
          heldBy: { reason: "Halted", message: "a Sovereign failed on it", since: SINCE },
          also: [
            {
              ...{ reason: "zero MigrationDeadlineExceeded", message: "the migration has not ended" },
              since: SINCE,
            },
          ],
        },
      ],
    ]);
  });

  it.each([
    ["sovereign", "none"],
    ["release", "none"],
  ])("fails when the %s does not exist", async (...args) => {
    await expect(run(...args)).rejects.toThrow("none does not exist");
  });

  it("suggests the nearest name", async () => {
    await expect(run("sovereign", "omantle")).rejects.toThrow(
      "Sovereign omantle does not exist: did you mean omantel?",
    );
  });

  it("says that the operator is not installed where the cluster does not serve its kinds", async () => {
    const bare = await startScriptedApi((_, response) => sendRefusal(response, 404, "NotFound"));
    writeFileSync(join(folder, "bare"), bare.kubeConfig().exportConfig());
    for (const target of [[], ["release", "stable"], ["sovereign", "zero"]])
      await expect(runHere(command, [...target, "--kubeconfig", join(folder, "bare")], {})).rejects.toThrow(
        /the cluster does not serve (Sovereign|BillingRelease), so the operator is not installed/,
      );
    await bare.close();
  });

  it("suggests no names to a person who may not list them", async () => {
    const closed = await startScriptedApi(({ path }, response) =>
      sendRefusal(response, path.endsWith("/zero") ? 404 : 403, "Forbidden"),
    );
    writeFileSync(join(folder, "closed"), closed.kubeConfig().exportConfig());
    await expect(
      runHere(command, ["sovereign", "zero", "--kubeconfig", join(folder, "closed")], {}),
    ).rejects.toThrow(/^Sovereign zero does not exist$/);
    await closed.close();
  });

  it.each([["fleet"], ["sovereign"], ["release", "a", "b"], ["-o", "xml"]])(
    "refuses %s %s",
    async (...args) => {
      await expect(run(...args.filter((arg) => arg !== undefined))).rejects.toMatchObject({
        name: "UsageError",
      });
    },
  );
});
