import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FQDN, signToken, startBilling, type TestBilling } from "../support/builder/billing.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/FRANCHISE-MODEL.md"), "utf8");
const script = /```bash\n(.*?)```/s.exec(page)?.[1] ?? "";
const steps = script
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

/** As an administrator pastes it into a shell. */
async function follow(step: number): Promise<unknown> {
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", steps[step - 1] ?? "false"], { env });
  return JSON.parse(stdout);
}

describe(`the four steps of docs/FRANCHISE-MODEL.md on ${FQDN}`, () => {
  it("hold, as they stand on the page", async () => {
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
    // An issue brings the code back to life: the steps may be run again.
    expect(await follow(2)).toMatchObject({ code: "SMOKE-TEST" });
  });
});
