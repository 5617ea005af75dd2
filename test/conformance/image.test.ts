import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { COMMAND_NAMES } from "../../src/cli/command-list.ts";
import { createKubeClient } from "../../src/kube/client.ts";
import { CATALOG, FQDN, JWT_SECRET } from "../support/builder/billing.ts";
import {
  CONTEXT,
  createImageContent,
  ENTRYPOINT,
  type ImageContent,
  isWithin,
} from "../support/image/content.ts";
import { startTestControlPlane } from "../support/server/kube-apiserver.ts";
import { createTestDatabase } from "../support/server/postgres.ts";
import { prepareCluster } from "../support/server/webhook-replica.ts";
import { eventually } from "../support/wait.ts";

const ROOT = join(import.meta.dirname, "../..");
/** The size without the base image. */
const MAX_UNPACKED_BYTES = 80e6;
const MAX_COMPRESSED_BYTES = 15e6;
/** Processor time from the start of the process until the operator is ready. */
const MAX_START_CPU_SECONDS = 3;

let image: ImageContent;
const cleanups: (() => unknown)[] = [];
beforeAll(() => {
  image = createImageContent();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => image?.remove());

/** The arguments of Node for `catalyst …` as the image starts it. */
const argumentsOf = (...args: string[]) => [
  ...ENTRYPOINT.slice(1).map((word) => word.replace(/^\/app\b/, image.app)),
  ...args,
];

/** Runs `catalyst …` to its end. */
async function catalyst(args: string[], env: Record<string, string> = {}) {
  try {
    const options = { env: { PATH: process.env.PATH ?? "", ...env } };
    return { code: 0, ...(await promisify(execFile)(process.execPath, argumentsOf(...args), options)) };
  } catch (error) {
    return error as { code: number; stdout: string; stderr: string };
  }
}

/** Starts `catalyst …`, waits until its log matches the pattern, and returns the pattern's group and the process id. */
async function serve(command: string, env: Record<string, string>, pattern: RegExp) {
  const child: ChildProcess = spawn(process.execPath, argumentsOf(command), {
    env: { PATH: process.env.PATH ?? "", HOST: "127.0.0.1", ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  cleanups.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "close");
  });
  let log = "";
  const found = await new Promise<string>((resolve, reject) => {
    child.stderr?.on("data", (chunk) => {
      log += chunk;
      const found = pattern.exec(log)?.[1];
      if (found !== undefined) resolve(found);
    });
    child.on("close", () => reject(new Error(log)));
  });
  return { found, pid: child.pid };
}

/** User and system time of a process. The kernel counts them in hundredths of a second. */
function cpuSeconds(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** The files below a folder, as paths from it. */
const filesOf = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));

describe("the build context", () => {
  it("holds exactly the files that the Dockerfile copies", () => {
    expect(image.copied.filter((path) => !isWithin(CONTEXT.allowed, path))).toEqual([]);
    expect(CONTEXT.allowed.filter((path) => !image.copied.includes(path))).toEqual([]);
  });

  it("has only plain paths in .dockerignore, because this test reads no patterns", () => {
    expect(CONTEXT.first).toBe("*");
    expect(
      [...CONTEXT.allowed, ...CONTEXT.leftOut].filter(
        (path) => /[*?[\]\\]/.test(path) || !existsSync(join(ROOT, path)),
      ),
    ).toEqual([]);
  });
});

describe("the image", () => {
  it("has no package with an install script, except the one that would install another Node", () => {
    const scripted = Object.entries(image.installed).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(scripted.map(([path]) => path)).toEqual(["node_modules/node"]);
  });

  it("holds neither the playground nor the API server that it embeds", () => {
    expect(existsSync(join(image.app, "src/operator"))).toBe(true);
    for (const path of ["src/playground", "src/cli/playground", "node_modules/kube-apiserver-lite"])
      expect(existsSync(join(image.app, path)), path).toBe(false);
    expect(Object.keys(image.installed)).not.toContain("node_modules/@marcbachmann/cel-js");
  });

  it("keeps the licences of the packages, and removes files that no program loads", () => {
    const files = filesOf(join(image.app, "node_modules"));
    expect(files.filter((file) => /\.(map|[mc]?ts|flow|bare)$/.test(file))).toEqual([]);
    for (const licence of ["express/LICENSE", "@kubernetes/client-node/LICENSE", "jose/LICENSE.md"])
      expect(files).toContain(licence);
  });

  it("has at most 80 MB above its base, and 15 MB of them compressed", () => {
    const archive = execFileSync("tar", ["--create", "--directory", image.app, "."], { maxBuffer: 1e9 });
    const compressed = gzipSync(archive);
    console.log(
      `${(archive.length / 1e6).toFixed(1)} MB, ${(compressed.length / 1e6).toFixed(1)} MB compressed`,
    );
    expect(archive.length).toBeLessThan(MAX_UNPACKED_BYTES);
    expect(compressed.length).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  it("lists exactly its packages in its SBOM", () => {
    const sbom = JSON.parse(readFileSync(join(image.app, "sbom.cdx.json"), "utf8"));
    const manifests = filesOf(join(image.app, "node_modules")).filter((file) =>
      /^(.*\/node_modules\/)?(@[^/]+\/)?[^/]+\/package\.json$/.test(file),
    );
    const present = manifests.map((file) => {
      const { name, version } = JSON.parse(readFileSync(join(image.app, "node_modules", file), "utf8"));
      return `${name}@${version}`;
    });
    const listed = sbom.components.map(
      ({ name, version }: { name: string; version: string }) => `${name}@${version}`,
    );
    expect(present.length).toBeGreaterThan(150);
    expect([...listed].sort()).toEqual([...new Set(present)].sort());
  });

  it("loads every one of its sources", async () => {
    // Left out: the generators, which need the playground's PostgreSQL or write to a checkout.
    const sources = filesOf(join(image.app, "src")).filter(
      (file) => file.endsWith(".ts") && !/^cli\/(program|main|entry\/main|generate[a-z-]*)\.ts$/.test(file),
    );
    const script = `for (const source of ${JSON.stringify(sources)}) await import(${JSON.stringify(`${image.app}/src/`)} + source);`;
    await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(sources.length).toBeGreaterThan(400);
  });

  it("has every command of the product", async () => {
    const help = await catalyst(["--help"]);
    expect(help.code).toBe(0);
    const commands = COMMAND_NAMES.filter((name) => name !== "playground");
    for (const command of commands) expect(help.stdout).toContain(`  ${command}`);
    // Each command loads its imports before it reads its arguments, so each gets as far as its own usage.
    const runs = await Promise.all(commands.map((command) => catalyst([command, "surplus"])));
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(
      commands.map((command) => [2, expect.stringContaining(`catalyst ${command}: `)]),
    );
  });

  it("starts the operator, which is ready within 3 s of processor time", async () => {
    const plane = await startTestControlPlane("embedded");
    cleanups.push(() => plane.close());
    const client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "image-test" });
    cleanups.push(() => client.close());
    await prepareCluster(client);
    const ports = { WEBHOOK_PORT: "0", VOUCHER_API_PORT: "0", HTTP_PORT: "0" };
    const start = async () => {
      const { found: health, pid } = await serve(
        "operator",
        { KUBECONFIG: plane.kubeconfigPath, ...ports },
        /"health":"([^"]+)"[^\n]*"msg":"serving"/,
      );
      await eventually(
        async () => expect((await fetch(new URL("/readyz", health))).status).toBe(200),
        40_000,
      );
      return cpuSeconds(pid);
    };
    // Other processes on the same cores raise the time: 2.2 to 2.7 s at a load of 20. So the better of two starts counts.
    const seconds = Math.min(await start(), await start());
    console.log(`ready after ${seconds.toFixed(2)} s of processor time`);
    expect(seconds).toBeLessThan(MAX_START_CPU_SECONDS);
  });

  it("migrates a database and serves billing from it", async () => {
    const database = await createTestDatabase("empty");
    cleanups.push(() => database.drop());
    const folder = mkdtempSync(join(tmpdir(), "catalyst-image-billing-"));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, "catalog.json"), JSON.stringify(CATALOG));
    const env = { DATABASE_URL: database.url };
    expect(await catalyst(["migrate"], env)).toMatchObject({ code: 0 });
    const { found: origin } = await serve(
      "billing",
      { ...env, SOVEREIGN_FQDN: FQDN, PORT: "0", JWT_SECRET, CATALOG_FILE: join(folder, "catalog.json") },
      /"origin":"([^"]+)"/,
    );
    await eventually(async () => expect((await fetch(new URL("/readyz", origin))).status).toBe(200));
  });

  it("says in one line that it does not contain the playground", async () => {
    expect(await catalyst(["playground", "--once"])).toMatchObject({
      code: 2,
      stderr:
        "catalyst playground: the playground is not in the image: run it from a checkout of the repository, after npm ci\n",
    });
  });
});

/** buildah's storage, which has the base image. The tests of the real node build in it too. */
const STORAGE = join(process.env.KUBEBUILDER_ASSETS ?? "", "image");
const TAGS = ["localhost/catalyst:test-1", "localhost/catalyst:test-2"];

describe("the image that buildah builds from the unmodified Dockerfile", () => {
  const run = async (program: string, ...args: string[]) => {
    const env = { ...process.env, CONTAINERS_STORAGE_CONF: join(STORAGE, "storage.conf") };
    return (await promisify(execFile)(program, args, { cwd: ROOT, env, maxBuffer: 1e8 })).stdout.trim();
  };
  const digests: string[] = [];
  /** The folder of an OCI layout with the image. */
  let layout: string;
  const part = (digest: string) => join(layout, "blobs", digest.replace(":", "/"));
  const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
  let manifest: { config: { digest: string }; layers: { digest: string; size: number }[] };
  beforeAll(async () => {
    for (const tag of TAGS)
      digests.push(
        await run("bash", "test/support/image/build.sh", STORAGE, tag, "--build-arg", "REVISION=abc"),
      );
    layout = mkdtempSync(join(tmpdir(), "catalyst-image-layout-"));
    await run("buildah", "push", "--quiet", "--format", "oci", TAGS[0] ?? "", `oci:${layout}:test`);
    manifest = json(part(json(join(layout, "index.json")).manifests[0].digest));
  }, 400_000);
  afterAll(async () => {
    await run("buildah", "rmi", ...TAGS);
    rmSync(layout, { recursive: true, force: true });
  });

  it("has the same digest when it is built again", () => {
    expect(digests).toEqual([expect.stringMatching(/^sha256:[0-9a-f]{64}$/), digests[0]]);
  });

  it("holds exactly the files that the other tests of this file run", async () => {
    const layer = part(manifest.layers.at(-1)?.digest ?? "");
    const listed = (await run("tar", "--list", "--gzip", "--file", layer)).split("\n");
    const files = listed.filter((path) => path.startsWith("app/") && !path.endsWith("/"));
    expect(files.map((path) => path.slice("app/".length)).sort()).toEqual(filesOf(image.app).sort());
  });

  it("takes at most 15 MB above its base", () => {
    expect(manifest.layers.at(-1)?.size).toBeLessThan(MAX_COMPRESSED_BYTES);
  });

  it("has the OCI labels, with the packaged version", () => {
    const { name, description, version, license } = json(join(ROOT, "package.json"));
    const { Labels, User } = json(part(manifest.config.digest)).config;
    expect(User).toBe("65532:65532");
    const prefix = "org.opencontainers.image.";
    expect(Labels).toMatchObject({
      [`${prefix}title`]: name,
      [`${prefix}description`]: description,
      [`${prefix}version`]: version,
      [`${prefix}licenses`]: license,
      [`${prefix}revision`]: "abc",
      [`${prefix}source`]: "",
      [`${prefix}base.name`]: expect.stringMatching(/^localhost\/node:v26\./),
      [`${prefix}base.digest`]: "",
    });
  });
});
