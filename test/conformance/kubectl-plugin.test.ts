import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const { KUBEBUILDER_ASSETS: assets } = process.env;
const { bin, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  bin: Record<string, string>;
  version: string;
};

/** As npm installs it: a link in PATH. */
const folder = mkdtempSync(join(tmpdir(), "kubectl-plugin-"));
symlinkSync(join(ROOT, bin["kubectl-catalyst"] ?? ""), join(folder, "kubectl-catalyst"));
afterAll(() => rmSync(folder, { recursive: true }));

function kubectl(...args: string[]) {
  const path = [folder, dirname(process.execPath), process.env.PATH].join(delimiter);
  const { status, stdout, stderr } = spawnSync(join(assets ?? "", "kubectl"), args, {
    encoding: "utf8",
    env: { PATH: path, HOME: folder },
  });
  return { status, stdout, stderr };
}

describe.skipIf(assets === undefined)("kubectl catalyst", () => {
  it("is this program, by this name", () => {
    expect(kubectl("plugin", "list").stdout).toContain(join(folder, "kubectl-catalyst"));
    expect(kubectl("catalyst", "--version")).toMatchObject({
      status: 0,
      stdout: `kubectl catalyst ${version}\n`,
    });
    expect(kubectl("catalyst", "help", "rollout").stdout).toContain(
      "Usage: kubectl catalyst rollout ACTION RELEASE [NAME] [OPTIONS]",
    );
  });

  it("passes arguments, messages and exit codes", () => {
    expect(kubectl("catalyst", "status", "sovereign")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining(
        "kubectl catalyst status: use: kubectl catalyst status [sovereign NAME | release NAME]",
      ),
    });
    expect(kubectl("catalyst", "stauts")).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("kubectl catalyst: unknown command 'stauts': did you mean status?"),
    });
  });
});
