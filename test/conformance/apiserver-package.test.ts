import { execFileSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const PACKAGE = join(ROOT, "src/playground/apiserver");
const { dependencies } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

let consumer: string;
let packed: string[];

/** Packs the package as a release does, and unpacks it where `npm install` would. Its dependencies come from this checkout. */
beforeAll(() => {
  consumer = mkdtempSync(join(tmpdir(), "catalyst-package-"));
  const [{ filename, files }] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", consumer], {
      cwd: PACKAGE,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).replace(/^[^[]*/, ""),
  );
  packed = files.map(({ path }: { path: string }) => path);
  execFileSync("tar", ["-xzf", filename], { cwd: consumer });
  mkdirSync(join(consumer, "node_modules"));
  cpSync(join(consumer, "package"), join(consumer, "node_modules/kube-apiserver-lite"), { recursive: true });
  for (const name of [...Object.keys(dependencies), "@kubernetes/client-node", "@types/node"]) {
    mkdirSync(dirname(join(consumer, "node_modules", name)), { recursive: true });
    symlinkSync(join(ROOT, "node_modules", name), join(consumer, "node_modules", name));
  }
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ type: "module" }));
});
afterAll(() => rmSync(consumer, { recursive: true, force: true }));

/** The code blocks of the README in one language. */
function examples(language: string): string[] {
  const readme = readFileSync(join(PACKAGE, "README.md"), "utf8");
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    ([, code = ""]) => code,
  );
}

describe("kube-apiserver-lite", () => {
  it("packs JavaScript with types, its data, README and licence, and no source", () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "package.json",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/builtin/schema.json",
        "dist/builtin/protobuf.json",
      ]),
    );
    expect(packed.filter((path) => /(?<!\.d)\.ts$/.test(path))).toEqual([]);
  });

  it("leaves nothing in the source folder after packing", () => {
    const left = readdirSync(PACKAGE).filter(
      (name) => ["dist", "LICENSE"].includes(name) || name.endsWith(".tgz"),
    );
    expect(left).toEqual([]);
  });

  it("runs the README's examples as installed", () => {
    const outputs = examples("js").map((code, index) => {
      const file = join(consumer, `example-${index}.js`);
      writeFileSync(file, code);
      return execFileSync(process.execPath, [file], { cwd: consumer, encoding: "utf8" });
    });
    expect(outputs).toEqual(examples("text"));
  });

  it("has types that a strict program compiles against", () => {
    writeFileSync(
      join(consumer, "program.ts"),
      `import { type ApiServer, createApiServer, createManifestChecker } from "kube-apiserver-lite";
       export const server: ApiServer = await createApiServer({ stateDir: "state", port: 0 });
       export const kubeconfig: string = await server.serviceAccountKubeconfig("default", "default");
       export const problems: string[] = createManifestChecker([])({ apiVersion: "v1", kind: "ConfigMap" });
       // @ts-expect-error: the folder of the state is required
       await createApiServer({});`,
    );
    const flags = ["--module", "nodenext", "--target", "es2025", "--strict", "--types", "node", "--noEmit"];
    const tsc = join(ROOT, "node_modules/.bin/tsc");
    expect(execFileSync(tsc, [...flags, "program.ts"], { cwd: consumer, encoding: "utf8" })).toBe("");
  });
});
