import { execFile, execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** The flags of the Dockerfile's `npm ci`. */
const FLAGS = /^RUN npm ci (.+)$/m.exec(read("Dockerfile"))?.[1]?.split(" ") ?? [];
/** What the last stage copies out of the build context. */
const COPIED = [
  ...(
    read("Dockerfile")
      .split(/^FROM /m)
      .at(-1) ?? ""
  ).matchAll(/^COPY (?!--from)(\S+) /gm),
].map(([, path = ""]) => path);
const IGNORE_LINES = read(".dockerignore")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const ALLOWED = IGNORE_LINES.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
const LEFT_OUT = IGNORE_LINES.filter((line) => line !== "*" && !line.startsWith("!"));

const lies = (folders: readonly string[], path: string) =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

interface Lock {
  packages: Record<
    string,
    { dev?: boolean; optional?: boolean; devOptional?: boolean; hasInstallScript?: boolean }
  >;
}
const lock = JSON.parse(read("package-lock.json")) as Lock;
/** `npm ls` lists what the flags select, but also the optional packages of packages, which `npm ci` omits. */
const selected = new Set(
  execFileSync("npm", ["ls", "--all", "--parseable", "--package-lock-only", ...FLAGS], {
    cwd: ROOT,
    encoding: "utf8",
  })
    .split("\n")
    .map((path) => relative(ROOT, path)),
);
/** What the image's `npm ci` installs at the top. */
const installed = Object.entries(lock.packages).filter(
  ([path, { dev, optional, devOptional }]) =>
    /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !optional && !devOptional && selected.has(path),
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-image-"));
  for (const path of COPIED) {
    cpSync(join(ROOT, path), join(folder, path), {
      // As Docker copies a link: otherwise it leads to the checkout.
      verbatimSymlinks: true,
      recursive: true,
      filter: (source) => !lies(LEFT_OUT, relative(ROOT, source)),
    });
  }
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

describe("the build context", () => {
  it("holds all that the Dockerfile copies", () => {
    expect(COPIED).toEqual(["package.json", "src"]);
    expect(COPIED.filter((path) => !lies(ALLOWED, path))).toEqual([]);
  });

  it("has plain paths in .dockerignore, as this test reads them", () => {
    expect(IGNORE_LINES[0]).toBe("*");
    expect(
      [...ALLOWED, ...LEFT_OUT].filter((path) => /[*?[\]\\]/.test(path) || !existsSync(join(ROOT, path))),
    ).toEqual([]);
  });
});

describe("the image", () => {
  it("has no package with an install script but the one that would bring another Node", () => {
    const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path);
    expect(scripted).toEqual(["node_modules/node"]);
  });

  it("holds neither the playground nor the API server that it embeds", () => {
    expect(existsSync(join(folder, "src/operator"))).toBe(true);
    for (const path of ["src/playground", "src/cli/playground", "node_modules/kube-apiserver-lite"])
      expect(existsSync(join(folder, path)), path).toBe(false);
    expect(installed.map(([path]) => path)).not.toContain("node_modules/@marcbachmann/cel-js");
  });

  it("carries every command of the product", async () => {
    const help = await catalyst("--help");
    expect(help.code).toBe(0);
    const commands = ["operator", "billing", "migrate", "smoke", "reconcile-ledger"];
    for (const command of commands) expect(help.stdout).toContain(`  ${command}`);
    // Each command loads its imports before it reads its arguments, so each gets as far as its own usage.
    const runs = await Promise.all(commands.map((command) => catalyst(command, "surplus")));
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(
      commands.map((command) => [2, expect.stringContaining(`catalyst ${command}: `)]),
    );
  });

  it("says in one line that the playground is not in it", async () => {
    expect(await catalyst("playground", "--once")).toMatchObject({
      code: 2,
      stderr:
        "catalyst playground: the playground is not in the image: run it from a checkout of the repository, after npm ci\n",
    });
  });
});
