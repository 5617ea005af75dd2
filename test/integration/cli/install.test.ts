import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, lstatSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Script } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../../..");
const MAIN = join(ROOT, "src/cli/main.ts");
const { bin } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { bin: { catalyst: string } };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-install-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm ci", () => {
  it("prints no warning when dependencies require another Node than the one that runs npm", () => {
    copyFileSync(join(ROOT, ".npmrc"), join(folder, ".npmrc"));
    const own = { name: "own", version: "1.0.0", dependencies: { a: "1.0.0" } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(own));
    const packages = { "": own, "node_modules/a": { version: "1.0.0", engines: { node: ">=999" } } };
    writeFileSync(join(folder, "package-lock.json"), JSON.stringify({ lockfileVersion: 3, packages }));
    const { status, stderr } = spawnSync("npm", ["ci", "--dry-run", "--offline"], {
      cwd: folder,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: folder },
    });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });

  it("does not change the program's file, because it is executable in git", () => {
    const tree = execFileSync("git", ["ls-files", "--stage", bin.catalyst], { cwd: ROOT, encoding: "utf8" });
    expect(tree).toMatch(/^100755 /);
    const own = mkdtempSync(join(folder, "bin-"));
    writeFileSync(
      join(own, "package.json"),
      JSON.stringify({ name: "own", version: "1.0.0", bin: "main.ts" }),
    );
    copyFileSync(join(ROOT, bin.catalyst), join(own, "main.ts"));
    const before = statSync(join(own, "main.ts")).mode;
    execFileSync("npm", ["install", "--offline", "--no-audit"], { cwd: own, stdio: "ignore" });
    expect(statSync(join(own, "main.ts")).mode).toBe(before);
    expect(readFileSync(join(own, "main.ts"), "utf8")).toBe(readFileSync(MAIN, "utf8"));
  });
});

describe("src/cli/main.ts", () => {
  it("is JavaScript that an old Node reads as CommonJS", () => {
    expect(lstatSync(MAIN).isSymbolicLink()).toBe(true);
    const scope = JSON.parse(readFileSync(join(ROOT, "src/cli/entry/package.json"), "utf8"));
    expect(scope).toEqual({ type: "commonjs" });
    const source = readFileSync(MAIN, "utf8").replace(/^#!.*/, "");
    expect(() => new Script(source)).not.toThrow();
  });

  it.each(["20.20.2", "22.18.0", "24.14.9"])("names the command to use on Node %s", (version) => {
    const old = join(folder, `node-${version}.cjs`);
    writeFileSync(old, `Object.defineProperty(process.versions, "node", { value: "${version}" });`);
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ["--require", old, MAIN, "smoke", "--help"],
      { encoding: "utf8" },
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toBe(
      `catalyst: needs Node 24.15 or later, and this is ${version}. npm ci installs Node 26 in node_modules. Use: npm run catalyst -- smoke --help\n`,
    );
  });

  it("prints the version of the program", () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    const stdout = execFileSync(process.execPath, [MAIN, "--version"], { encoding: "utf8" });
    expect(stdout).toBe(`catalyst ${version}\n`);
  });

  it("prints the commit of the source where the image names it", () => {
    const env = { ...process.env, CATALYST_REVISION: "0123abc" };
    const stdout = execFileSync(process.execPath, [MAIN, "--version"], { encoding: "utf8", env });
    expect(stdout).toMatch(/^catalyst \S+ \(revision 0123abc\)\n$/);
  });

  it("ends without a stack trace when the program that reads its output has ended", async () => {
    const child = spawn(process.execPath, [MAIN, "help"], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const stderr = text(child.stderr);
    const [code] = await once(child, "close");
    expect({ code, stderr: await stderr }).toEqual({ code: 1, stderr: "" });
  });
});
