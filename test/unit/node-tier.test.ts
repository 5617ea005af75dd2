import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** What `run.sh --check` says on a machine where a program prints something else. */
function checkWith(program: string, output: string) {
  const folder = mkdtempSync(join(tmpdir(), "catalyst-node-check-"));
  writeFileSync(join(folder, program), `#!/bin/sh\necho ${output}\n`);
  chmodSync(join(folder, program), 0o755);
  // run.sh looks into the checkout's folder of programs first, which has none of these.
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

  it("and the other scripts of the node are valid Bash", () => {
    const scripts = readdirSync(join(ROOT, "test/node")).filter((name) => name.endsWith(".sh"));
    expect(scripts.length).toBeGreaterThan(3);
    for (const name of scripts) execFileSync("bash", ["-n", join(ROOT, "test/node", name)]);
  });
});

describe("docs/node-tier.md", () => {
  it("states how many tests a run has", () => {
    const steps = readdirSync(join(ROOT, "test/node/step")).map((name) => `test/node/step/${name}`);
    const count = ["test/node/node.test.ts", ...steps].flatMap((path) => read(path).match(/^ +it\(/gm) ?? []);
    expect(read("docs/node-tier.md")).toContain(`A run has ${count.length} tests.`);
  });

  it("names each package that is run, and the same version of Kubernetes as the tools", () => {
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
