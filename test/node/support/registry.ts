import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Agent, fetch, type RequestInit, type Response } from "undici";
import { urlHost } from "../../../src/platform/url-host.ts";
import { type Artifact, blueprintArtifact } from "../../../src/playground/image.ts";
import type { CertificateAuthority } from "../../support/builder/certificate-authority.ts";
import { endInOrder } from "../../support/process/billing-process.ts";
import { runTool } from "../../support/process/tool.ts";
import { until } from "../../support/wait.ts";
import { OUTSIDE, REGISTRY_HOST } from "./address.ts";

const KEY = join(import.meta.dirname, "../../../docs/examples/keys/omantel-demo.key");

/** The registry's only user. Without it, nothing can be read. */
export const REGISTRY_USER = { name: "catalyst", password: "correct horse" };
/** The user's password as bcrypt with the lowest cost, because each request costs a comparison. */
const PASSWORD_HASH = "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";

/** Debian's docker-registry on the machine beside the node, with TLS, and only for its user. */
export interface NodeRegistry {
  pushArtifact(artifact: Artifact): Promise<void>;
  /** Signs with cosign and Omantel's demonstration key. */
  sign(artifact: Artifact): Promise<void>;
  close(): Promise<void>;
}

/** `caFile` contains the certificate authority. */
export async function startNodeRegistry(
  folder: string,
  assets: string,
  { authority, caFile }: { authority: CertificateAuthority; caFile: string },
): Promise<NodeRegistry> {
  const home = join(folder, "registry-home");
  mkdirSync(home, { recursive: true });
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text, { mode: 0o600 });
    return join(home, name);
  };
  const { cert, key } = await authority.server(REGISTRY_HOST, [REGISTRY_HOST]);
  const tls = { certificate: write("tls.crt", cert), key: write("tls.key", key) };
  const path = write("htpasswd", `${REGISTRY_USER.name}:${PASSWORD_HASH}\n`);
  const configuration = {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(assets, "image/registry") } },
    auth: { htpasswd: { realm: "registry", path } },
    http: { addr: `${urlHost(OUTSIDE.last)}:443`, tls },
  };
  const log = openSync(join(folder, "log/registry.log"), "a");
  const server = spawn("docker-registry", ["serve", write("registry.yml", JSON.stringify(configuration))], {
    stdio: ["ignore", log, log],
  });
  const dispatcher = new Agent({ connect: { ca: authority.pem } });
  const { name, password } = REGISTRY_USER;
  const authorization = `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
  const send = (
    url: string | URL,
    { headers, ...init }: RequestInit & { headers?: Record<string, string> },
  ) => fetch(url, { dispatcher, headers: { authorization, ...headers }, ...init });
  const origin = `https://${REGISTRY_HOST}`;
  await Promise.race([
    once(server, "exit").then(() => {
      throw new Error(`docker-registry ended: ${readFileSync(join(folder, "log/registry.log"), "utf8")}`);
    }),
    until(
      () =>
        send(`${origin}/v2/`, {}).then(
          (response) => response.ok,
          () => false,
        ),
      "the registry answers",
    ),
  ]);
  const cosign = (...args: string[]) =>
    runTool(join(assets, "cosign"), args, {
      env: { HOME: home, COSIGN_PASSWORD: "", SSL_CERT_FILE: caFile, TUF_MIRROR: "http://127.0.0.1:1" },
    });

  return {
    async pushArtifact({ repository, manifest, mediaType, digest, blobs }) {
      const at = `${origin}/v2/${repository}`;
      for (const [blobDigest, bytes] of blobs) {
        const begun = await expectOk(send(`${at}/blobs/uploads/`, { method: "POST" }));
        const location = new URL(begun.headers.get("location") as string);
        location.searchParams.set("digest", blobDigest);
        const headers = { "content-type": "application/octet-stream" };
        await expectOk(send(location, { method: "PUT", headers, body: Buffer.from(bytes) }));
      }
      const headers = { "content-type": mediaType };
      await expectOk(send(`${at}/manifests/${digest}`, { method: "PUT", headers, body: manifest }));
    },
    async sign({ repository, digest }) {
      const prefix = join(home, "omantel");
      await cosign("import-key-pair", "--key", KEY, "--output-key-prefix", prefix, "--yes");
      await cosign(
        ...["sign", "--key", `${prefix}.key`, "--tlog-upload=false", "--use-signing-config=false", "--yes"],
        ...[`--registry-username=${name}`, `--registry-password=${password}`],
        `${REGISTRY_HOST}/${repository}@${digest}`,
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

/** Pushes the Blueprints that the examples name: a signed one and an unsigned one. */
export async function pushBlueprints(registry: NodeRegistry): Promise<void> {
  const [signed, unsigned] = ["web-shop", "grey-shop"].map((name) => blueprintArtifact(name, "1.0.0"));
  for (const artifact of [signed, unsigned] as Artifact[]) await registry.pushArtifact(artifact);
  await registry.sign(signed as Artifact);
}
