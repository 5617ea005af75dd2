import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");

interface Lock {
  packages: Record<
    string,
    { dev?: boolean; optional?: boolean; devOptional?: boolean; hasInstallScript?: boolean }
  >;
}
const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
/** What `npm ci --omit=dev --omit=optional` installs at the top, as the Dockerfile does. */
const installed = Object.entries(lock.packages).filter(
  ([path, { dev, optional, devOptional }]) =>
    /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !optional && !devOptional,
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-image-"));
  cpSync(join(ROOT, "src"), join(folder, "src"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  for (const [path] of installed) {
    if (path === "node_modules/node") continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `catalyst …` as the image runs it. */
async function catalyst(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  try {
    const env = { PATH: process.env.PATH };
    const run = await promisify(execFile)(process.execPath, [join(folder, "src/cli/main.ts"), ...args], {
      env,
    });
    return { code: 0, ...run };
  } catch (error) {
    return error as never;
  }
}

describe("what the image installs", () => {
  it("has no package with an install script but the one that would bring another Node", () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripted).toEqual(["node_modules/node"]);
  });

  it("carries every command of the product", async () => {
    const help = await catalyst("--help");
    expect(help.code).toBe(0);
    const commands = ["operator", "billing", "migrate", "smoke", "reconcile-ledger"];
    for (const command of commands) expect(help.stdout).toContain(`  ${command}`);
    // Their imports are there: each gets as far as its own usage.
    const runs = await Promise.all(commands.map((command) => catalyst(command, "surplus")));
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(
      commands.map((command) => [2, expect.stringContaining(`catalyst ${command}: `)]),
    );
  });

  it("leaves out the playground's, which says so in one line", async () => {
    expect(await catalyst("playground", "--once")).toMatchObject({
      code: 2,
      stderr:
        "catalyst playground: the playground's packages are not installed here, as in the image: run it from a checkout, after npm ci\n",
    });
  });
});
