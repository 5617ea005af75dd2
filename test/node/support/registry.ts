import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Artifact, blueprintArtifact } from "../../../src/playground/image.ts";
import { endInOrder, until } from "../../support/process/billing-process.ts";
import { runTool } from "../../support/process/tool.ts";
import { REGISTRY_ADDRESS, REGISTRY_ORIGIN } from "./address.ts";

const KEYS = join(import.meta.dirname, "../../../docs/examples/keys");

/** Debian's docker-registry on the machine beside the node. */
export interface NodeRegistry {
  /** Pushes an image that buildah has, and returns its digest. */
  pushImage(name: string): Promise<string>;
  pushArtifact(artifact: Artifact): Promise<void>;
  /** Signs with cosign and one of the demonstration keys. */
  sign(repository: string, digest: string, key: "platform-demo" | "omantel-demo"): Promise<void>;
  close(): Promise<void>;
}

export async function startNodeRegistry(folder: string, assets: string): Promise<NodeRegistry> {
  const home = join(folder, "registry-home");
  mkdirSync(home, { recursive: true });
  const configuration = join(home, "registry.yml");
  writeFileSync(
    configuration,
    JSON.stringify({
      version: 0.1,
      log: { level: "error", accesslog: { disabled: true } },
      storage: { filesystem: { rootdirectory: join(assets, "image/registry") } },
      http: { addr: REGISTRY_ADDRESS },
    }),
  );
  const log = openSync(join(folder, "log/registry.log"), "a");
  const server = spawn("docker-registry", ["serve", configuration], { stdio: ["ignore", log, log] });
  await Promise.race([
    once(server, "exit").then(() => {
      throw new Error(`docker-registry ended: ${readFileSync(join(folder, "log/registry.log"), "utf8")}`);
    }),
    until(() =>
      fetch(`${REGISTRY_ORIGIN}/v2/`).then(
        (response) => response.ok,
        () => false,
      ),
    ),
  ]);
  const storage = { CONTAINERS_STORAGE_CONF: join(assets, "image/storage.conf") };
  const cosign = (...args: string[]) =>
    runTool(join(assets, "cosign"), args, {
      env: { HOME: home, COSIGN_PASSWORD: "", TUF_MIRROR: "http://127.0.0.1:1" },
    });

  return {
    async pushImage(name) {
      const digestFile = join(home, "digest");
      const target = `docker://${REGISTRY_ADDRESS}/${name}`;
      await runTool(
        "buildah",
        ["push", "--tls-verify=false", "--digestfile", digestFile, `localhost/${name}`, target],
        { env: storage },
      );
      return readFileSync(digestFile, "utf8").trim();
    },
    async pushArtifact({ repository, manifest, mediaType, digest, blobs }) {
      const at = `${REGISTRY_ORIGIN}/v2/${repository}`;
      for (const [blobDigest, bytes] of blobs) {
        const begun = await expectOk(fetch(`${at}/blobs/uploads/`, { method: "POST" }));
        const location = new URL(begun.headers.get("location") as string);
        location.searchParams.set("digest", blobDigest);
        const headers = { "content-type": "application/octet-stream" };
        await expectOk(fetch(location, { method: "PUT", headers, body: Buffer.from(bytes) }));
      }
      const headers = { "content-type": mediaType };
      await expectOk(fetch(`${at}/manifests/${digest}`, { method: "PUT", headers, body: manifest }));
    },
    async sign(repository, digest, key) {
      const prefix = join(home, `${repository.replaceAll("/", "-")}-${key}`);
      await cosign(
        "import-key-pair",
        "--key",
        join(KEYS, `${key}.key`),
        "--output-key-prefix",
        prefix,
        "--yes",
      );
      await cosign(
        ...["sign", "--key", `${prefix}.key`, "--tlog-upload=false", "--use-signing-config=false"],
        ...["--allow-http-registry", "--yes", `${REGISTRY_ADDRESS}/${repository}@${digest}`],
      );
    },
    close: () => endInOrder(server),
  };
}

async function expectOk(answer: Promise<Response>): Promise<Response> {
  const response = await answer;
  if (!response.ok) throw new Error(`${response.url}: ${response.status} ${await response.text()}`);
  return response;
}

/** Pushes what the examples name: the Blueprints of both kinds, of which one is signed. */
export async function pushBlueprints(registry: NodeRegistry): Promise<void> {
  for (const name of ["web-shop", "grey-shop"]) await registry.pushArtifact(blueprintArtifact(name, "1.0.0"));
  const { repository, digest } = blueprintArtifact("web-shop", "1.0.0");
  await registry.sign(repository, digest, "omantel-demo");
}
