import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { signToken } from "../../support/builder/billing.ts";
import { database, folder, run, useBillingCommands } from "../../support/process/billing-command.ts";

useBillingCommands();

describe("catalyst smoke", () => {
  it("passes on a healthy Sovereign, also twice at once, and leaves no active voucher", async () => {
    const url = await run(["billing"]).origin;
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, `${await signToken("admin", "sovereign-admin")}\n`);
    const exits = await Promise.all(
      [1, 2].map(() => run(["smoke", "--url", url, "--token-file", tokenFile, "--output", "json"]).exit),
    );
    expect(exits.map(({ code }) => code)).toEqual([0, 0]);
    const reports = exits.map(({ stdout }) => JSON.parse(stdout));
    expect(reports[0]).toEqual({
      passed: true,
      steps: ["list", "issue", "preview", "revoke"].map((name) => ({
        name,
        passed: true,
        durationMs: expect.any(Number),
        message: expect.any(String),
      })),
      apiFingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      schema: { version: expect.any(String), fingerprint: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
    });
    expect(reports[1].apiFingerprint).toBe(reports[0].apiFingerprint);
    expect((await database.pool.query("SELECT 1 FROM promo_codes WHERE deleted_at IS NULL")).rows).toEqual(
      [],
    );
  });

  it("exits with 1 for a wrong token or an unreachable Sovereign, and with 2 for wrong usage", async () => {
    const url = await run(["billing"]).origin;
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, await signToken("nobody"));
    const exits = await Promise.all([
      run(["smoke", "--url", url, "--token-file", tokenFile]).exit,
      run(["smoke", "--url", "http://127.0.0.1:1", "--token-file", tokenFile]).exit,
      run(["smoke", "--url", url]).exit,
      run(["smoke", "--url", "ftp://x", "--token-file", tokenFile]).exit,
      run(["smoke", "--url", url, "--token-file", "/nowhere"]).exit,
    ]);
    expect(exits.map(({ code }) => code)).toEqual([1, 1, 2, 2, 2]);
    expect(exits[0]?.stdout).toMatch(/FAILED list .*answered 403/);
  });
});
