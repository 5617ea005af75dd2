import { describe, expect, it } from "vitest";
import { matchesOf, readPage } from "../support/builder/documentation-page.ts";

interface LockedPackage {
  license?: string;
  dev?: boolean;
  link?: boolean;
}

/** The installed packages by path in node_modules. */
const LOCKED = Object.entries(
  (JSON.parse(readPage("package-lock.json")) as { packages: Record<string, LockedPackage> }).packages,
).filter(([path, { link }]) => path.startsWith("node_modules/") && !link);

/** Licences that require only their own text and a notice. */
const PERMISSIVE = [
  "MIT",
  "MIT OR Apache-2.0",
  "Apache-2.0",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "PSF-2.0",
  "Unlicense",
];
/** Licences that require changed files to be published. We change none of them, and ship none. */
const FOR_DEVELOPMENT_ONLY = ["MPL-2.0"];

const rows = matchesOf(readPage("docs/adr/0004-dependencies.md"), /^(\| `.*)$/gm).map((row) => {
  const [, names = "", licences = ""] = row.split("|");
  return {
    packages: matchesOf(names, /`([^`]+)`/g),
    licences: licences
      .replace("not shipped", "")
      .split(",")
      .map((licence) => licence.trim().replace(" or ", " OR "))
      .filter((licence) => licence !== ""),
  };
});

describe("docs/adr/0004-dependencies.md", () => {
  it("lists every dependency, and no other package", () => {
    const manifests = ["package.json", "src/playground/apiserver/package.json"].map(
      (path) => JSON.parse(readPage(path)) as Record<string, Record<string, string> | undefined>,
    );
    const dependencies = manifests.flatMap(
      ({ dependencies = {}, optionalDependencies = {}, devDependencies = {} }) =>
        Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies }),
    );
    expect(rows.flatMap(({ packages }) => packages).toSorted()).toEqual([...new Set(dependencies)].sort());
  });

  it.each(rows)("states the licence of $packages", ({ packages, licences }) => {
    const locked = packages.map(
      (name) => LOCKED.find(([path]) => path === `node_modules/${name}`)?.[1].license ?? "absent",
    );
    expect(new Set(licences)).toEqual(new Set(locked));
  });
});

describe("the installed packages", () => {
  it("have permissive licences if they are shipped", () => {
    const shipped = LOCKED.filter(([, { dev }]) => !dev);
    expect(shipped.length).toBeGreaterThan(50);
    expect(shipped.filter(([, { license = "none" }]) => !PERMISSIVE.includes(license))).toEqual([]);
  });

  it("have known licences if they are only for development", () => {
    const known = [...PERMISSIVE, ...FOR_DEVELOPMENT_ONLY];
    const unknown = LOCKED.filter(([, { dev, license = "none" }]) => dev && !known.includes(license));
    expect(unknown).toEqual([]);
  });
});
