import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { missingLine, runnableSections } from "../node/support/page.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Runs `run.sh --check` on a machine where a program prints another output. */
function checkWith(program: string, output: string) {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-node-check-"));
  writeFileSync(join(folder, program), `#!/bin/sh\necho ${output}\n`);
  chmodSync(join(folder, program), 0o755);
  // run.sh looks in the checkout's folder of programs first. That folder has none of these.
  const env = { PATH: `${folder}:${process.env.PATH}` };
  const { status, stderr } = spawnSync("bash", [join(ROOT, "test/node/run.sh"), "--check"], {
    env,
    encoding: "utf8",
  });
  rmSync(folder, { recursive: true });
  return { status, stderr };
}

describe("test/node/run.sh", () => {
  it.each([
    ["uname", "Darwin", "node tier: not run: it needs Linux\n"],
    ["id", "1000", /^node tier: not run: it needs (root|Linux)\n$/],
  ])("refuses a machine where %s prints %s, and says why", (program, output, reason) => {
    expect(checkWith(program, output)).toEqual({ status: 1, stderr: expect.stringMatching(reason) });
  });

  it("is valid Bash, like the other scripts of the node", () => {
    const scripts = readdirSync(join(ROOT, "test/node")).filter((name) => name.endsWith(".sh"));
    expect(scripts.length).toBeGreaterThan(3);
    for (const name of [...scripts, "program/docker"])
      execFileSync("bash", ["-n", join(ROOT, "test/node", name)]);
  });
});

describe("docs/node-tier.md", () => {
  it("states how many tests a run has", () => {
    // These steps belong to the run on IPv6 alone.
    const steps = readdirSync(join(ROOT, "test/node/step"))
      .filter((name) => !["move.ts", "trace.ts"].includes(name))
      .map((name) => `test/node/step/${name}`);
    const named = ["test/node/node.test.ts", ...steps].flatMap((path) => read(path).match(/^ +it\(/gm) ?? []);
    const count = named.length + runnableSections("docs/quickstart.md").length;
    expect(read("docs/node-tier.md")).toContain(`A run has ${count} tests.`);
  });

  it("names each installed package, and the Kubernetes version of the tools", () => {
    const page = read("docs/node-tier.md");
    const [, packages = ""] = /packages=\((.+)\)/.exec(read("test/node/install-packages.sh")) ?? [];
    for (const name of ["containerd", "runc", "docker-registry", "buildah"]) {
      expect(packages.split(" ")).toContain(name);
      expect(page).toContain(name);
    }
    const [, minor = "none"] =
      /^KUBERNETES=(\d+\.\d+)\./m.exec(read("test/conformance/build-tools.sh")) ?? [];
    expect(page).toContain(`kube-proxy ${minor}, CoreDNS`);
  });
});

describe.each(["docs/quickstart.md", "docs/uninstall.md", "docs/move.md"])(
  "the command blocks of %s",
  (page) => {
    const blocks = runnableSections(page).flatMap((section) => section.blocks);

    it("are valid Bash", () => {
      expect(blocks.length).toBeGreaterThan(0);
      for (const { script } of blocks) execFileSync("bash", ["-n"], { input: script });
    });

    it("use each variable after a block has set it, or the reader has filled it in", () => {
      const set = new Set(["HOME", "PWD", "PATH"]);
      const toFillIn = read(page).match(/^```sh\n.*?^```/gms) ?? [];
      for (const [, name = ""] of toFillIn.join("\n").matchAll(/\b([A-Z_]+)=/g)) set.add(name);
      for (const { script } of blocks) {
        for (const [, name = ""] of script.matchAll(/\b([A-Z_]+)=/g)) set.add(name);
        const used = [...script.matchAll(/\$\{?([A-Z_]+)/g)].map(([, name = ""]) => name);
        expect(used.filter((name) => !set.has(name))).toEqual([]);
      }
    });
  },
);

describe("the output that a page shows", () => {
  const output = "made a1\nNAME   AGE\nzero   12s\ndigest sha256:0f\n";

  it.each([
    ["the same lines", "made a1\nNAME AGE\nzero 12s\n", undefined],
    ["other numbers", "made a7\nzero 3s\n", undefined],
    ["text and lines left out", "made …\n…\ndigest sha256:…\n", undefined],
    ["no output", "", undefined],
    ["a line that was not printed", "made a1\ndone\n", "done"],
    ["lines in another order", "NAME AGE\nmade a1\n", "made a1"],
    ["a part of a line", "made\n", "made"],
    ["a pattern of its own", "made .*\n", "made .*"],
  ])("is compared with the real output: %s", (_, shown, missing) => {
    expect(missingLine(output, shown)).toBe(missing);
  });
});
