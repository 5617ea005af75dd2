import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { database, folder, run, useBillingCommands } from "../../support/process/billing-command.ts";

useBillingCommands();

describe("catalyst verify", () => {
  it("proves the shape by reads alone, and prints a shell line that reads the same values", async () => {
    const url = await run(["billing"]).origin;
    const { code, stdout } = await run(["verify", "--url", `${url}/`, "--output", "json"]).exit;
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({ equal: true, reference: "this program" });
    expect(report.measured).toEqual(report.expected);
    const reference = join(folder, "reference.json");
    const differing = { ...report.measured, apiFingerprint: "sha256:0" };
    writeFileSync(reference, JSON.stringify({ kind: "BillingRelease", status: { reference: differing } }));
    const [against, byRelease, unreachable, twice, other] = await Promise.all([
      run(["verify", "--url", url, "--against", url]).exit,
      run(["verify", "--url", url, "--reference", reference]).exit,
      run(["verify", "--url", "http://127.0.0.1:1"]).exit,
      run(["verify", "--url", url, "--against", url, "--reference", reference]).exit,
      run(["verify", "--url", `${url}/redeem`]).exit,
    ]);
    expect([against.code, byRelease.code, unreachable.code, twice.code, other.code]).toEqual([0, 1, 1, 2, 1]);
    expect(byRelease.stdout).toContain(
      `equal    schema  ${report.measured.schemaFingerprint}\nDIFFERS  api     ${report.measured.apiFingerprint}, ${reference} has sha256:0`,
    );
    expect(unreachable.stderr).toContain("127.0.0.1:1");
    const last = against.stdout.trimEnd().split("\n").at(-1) ?? "";
    expect(last).toBe(
      `curl -fsS '${url}/readyz' | jq -r .schema.fingerprint; curl -fsS '${url}/openapi.json' | jq -cjS . | sha256sum`,
    );
    // The tests need only Node. Where the tools are installed, the line must print the same values.
    const tools = spawnSync("sh", ["-c", "command -v curl && command -v jq && command -v sha256sum"]);
    if (tools.status === 0) {
      const printed = spawnSync("sh", ["-c", last], { encoding: "utf8" }).stdout;
      expect(printed).toBe(
        `${report.measured.schemaFingerprint}\n${report.measured.apiFingerprint.replace("sha256:", "")}  -\n`,
      );
    }
    expect((await database.pool.query("SELECT 1 FROM promo_codes")).rows).toEqual([]);
  });
});
