import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FQDN, signToken, startBilling, type TestBilling } from "../support/builder/billing.ts";
import { commandBlocksOf, readPage } from "../support/builder/documentation-page.ts";

/** The first command block of a page that is marked `runnable`. */
const scriptOf = (page: string): string =>
  commandBlocksOf(readPage(`docs/${page}`)).find(({ isRefused }) => !isRefused)?.script ?? "";

const steps = scriptOf("FRANCHISE-MODEL.md")
  .split(/^# \d\. /m)
  .slice(1)
  .map((step) => step.slice(step.indexOf("\n")));

let billing: TestBilling;
let env: NodeJS.ProcessEnv;
beforeAll(async () => {
  billing = await startBilling();
  env = { PATH: process.env.PATH, BASE: billing.origin, TOKEN: await signToken("salma", "sovereign-admin") };
});
afterAll(() => billing.close());

const run = promisify(execFile);

/** Runs a step as an administrator pastes it into a shell. */
async function follow(step: number): Promise<unknown> {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", steps[step - 1] ?? "false"], { env });
  return JSON.parse(stdout);
}

describe(`the four steps of docs/FRANCHISE-MODEL.md on ${FQDN}`, () => {
  it("work exactly as the page writes them", async () => {
    expect(steps).toHaveLength(4);
    expect(await follow(1)).toEqual([]);
    expect(await follow(2)).toMatchObject({
      code: "SMOKE-TEST",
      credit_omr: 1,
      max_redemptions: 1,
      times_redeemed: 0,
    });
    expect(await follow(3)).toEqual({
      code: "SMOKE-TEST",
      credit_omr: 1,
      description: "smoke test",
      active: true,
      accepting_redemptions: true,
    });
    expect(await follow(4)).toEqual({ ok: true });
    await expect(follow(3)).rejects.toThrow("404");
    // Issuing a revoked code makes it valid again, so the steps can be repeated.
    expect(await follow(2)).toMatchObject({ code: "SMOKE-TEST" });
  });
});

describe("the commands of docs/billing/api.md", () => {
  it("issue one voucher, and a thousand as a CSV file", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "vouchers-"));
    try {
      const { stdout } = await run("bash", ["-euo", "pipefail", "-c", scriptOf("billing/api.md")], {
        env,
        cwd,
      });
      expect(JSON.parse(stdout)).toMatchObject({ code: "WELCOME", credit_omr: 5, max_redemptions: 1 });
      const lines = readFileSync(join(cwd, "vouchers.csv"), "utf8").trim().split("\n");
      expect(lines).toHaveLength(1_001);
      expect(lines[1]).toMatch(/^RAMADAN-/);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});
