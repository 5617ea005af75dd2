import { execFile } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createOciClient } from "../../src/admission/signature/oci-client.ts";
import { createRegistryRequest } from "../../src/admission/signature/registry-request.ts";
import { parseTrustedRoot } from "../../src/admission/signature/trusted-root.ts";
import { createSignatureVerifier } from "../../src/admission/signature/verifier.ts";
import type { TrustEntry } from "../../src/api/franchise.ts";
import { sha256Digest } from "../../src/platform/canonical-json.ts";
import type { RunningHttpServer } from "../../src/platform/http-server.ts";
import { createSigstore } from "../support/builder/sigstore.ts";
import { type PushRegistry, startPushRegistry } from "../support/server/push-registry.ts";
import { startSigstoreServer } from "../support/server/sigstore-server.ts";

const COSIGN = join(process.env.KUBEBUILDER_ASSETS ?? "", "cosign");
const IMAGE_TYPE = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const [ISSUER, IDENTITY] = ["https://issuer.test", "ci@shop.test"];
const FORMATS = [
  ["the classic format", ["--new-bundle-format=false"]],
  ["a bundle", []],
] as const;

const run = promisify(execFile);
const sigstore = await createSigstore();
const ROOT = sigstore.trustedRoot({ ctlogs: [sigstore.certificateLog] });
let folder: string;
let services: RunningHttpServer;
let registries: { name: string; registry: PushRegistry }[];
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cosign-test-"));
  services = await startSigstoreServer(sigstore);
  registries = [
    { name: "with the referrers API", registry: await startPushRegistry({ hasReferrers: true }) },
    { name: "without the referrers API", registry: await startPushRegistry({ hasReferrers: false }) },
  ];
});
afterAll(async () => {
  for (const { registry } of registries ?? []) await registry.close();
  await services?.close(0);
  await rm(folder, { recursive: true, force: true });
});

/**
 * cosign with a home directory of its own, so that no settings or caches of this machine count. It cannot reach a TUF
 * repository.
 */
const cosign = (...args: string[]) =>
  run(COSIGN, args, {
    cwd: folder,
    env: { HOME: folder, COSIGN_PASSWORD: "", PATH: "", TUF_MIRROR: "http://127.0.0.1:1" },
  });

const SIGN = ["--use-signing-config=false", "--allow-http-registry", "--yes"];
const signByKey = (reference: string, key: string, ...args: string[]) =>
  cosign("sign", "--key", key, "--tlog-upload=false", ...SIGN, ...args, reference);

/** Signs as a pipeline does: Fulcio issues a certificate for the pipeline's token, and Rekor logs the signature. */
async function signKeyless(reference: string, ...args: string[]) {
  const claims = { iss: ISSUER, sub: "ci", aud: "sigstore", email: IDENTITY, email_verified: true };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = [
    part({ alg: "ES256", typ: "JWT" }),
    part({ ...claims, exp: 4_000_000_000 }),
    Buffer.alloc(64).toString("base64url"),
  ].join(".");
  await writeFile(join(folder, "token"), token);
  const { origin } = services;
  return cosign(
    "sign",
    ...["--fulcio-url", origin, "--rekor-url", origin, "--identity-token", "token"],

    ...SIGN,
    ...args,
    reference,
  );
}

/** Verifies with cosign itself, offline, by a trusted root. Throws cosign's error. */
async function verifyByCosign(reference: string, root: string, ...args: string[]) {
  await writeFile(join(folder, "root.json"), root);
  const identity = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
  return cosign(
    "verify",
    ...["--trusted-root", "root.json", "--allow-http-registry", ...identity, ...args],
    reference,
  );
}

/** Pushes a new image for each test. Returns its name for cosign and for our verifier. */
function pushImage(registry: PushRegistry, manifest: object = {}) {
  count += 1;
  const name = `image-${count}`;
  const digest = registry.push(name, {
    schemaVersion: 2,
    mediaType: IMAGE_TYPE,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256Digest(name), size: 2 },
    layers: [],
    ...manifest,
  });
  return {
    text: `${registry.host}/${name}@${digest}`,
    reference: { host: registry.host, repository: name, digest },
  };
}

const verify = (reference: ReturnType<typeof pushImage>["reference"], trust: TrustEntry[], root = ROOT) =>
  createSignatureVerifier({
    client: createOciClient(createRegistryRequest({ mirrors: new Map(), isInsecure: () => true })),
    logger: pino({ level: "silent" }),
    trustedRoot: () => parseTrustedRoot(root),
  }).verify(reference, trust);

/** Imports a key pair into cosign, and returns its public key as a trusted one. */
async function importKey(name: string, privateKey: KeyObject) {
  const pem = join(folder, `${name}.pem`);
  await writeFile(pem, privateKey.export({ type: "pkcs8", format: "pem" }));
  await cosign("import-key-pair", "--key", pem, "--output-key-prefix", name);
  return {
    key: `${name}.key`,
    trust: [{ publicKey: await readFile(join(folder, `${name}.pub`), "utf8") }],
  };
}

describe("cosign", () => {
  it("is installed: test/conformance/build-tools.sh FOLDER builds it", () => {
    expect(existsSync(COSIGN)).toBe(true);
  });

  it.each<[string, () => { privateKey: KeyObject }]>([
    ["p256", () => generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["p384", () => generateKeyPairSync("ec", { namedCurve: "P-384" })],
    ["rsa", () => generateKeyPairSync("rsa", { modulusLength: 3072 })],
    ["ed25519", () => generateKeyPairSync("ed25519")],
  ])("signs with a key of type %s in both formats, and our verifier accepts it", async (kind, generate) => {
    const { key, trust } = await importKey(kind, generate().privateKey);
    const other = await importKey(`${kind}-other`, generate().privateKey);
    for (const { name, registry } of registries)
      for (const [format, args] of FORMATS) {
        const { text, reference } = pushImage(registry);
        expect(await verify(reference, trust), `${name}, before`).toMatchObject({ kind: "refused" });
        await signByKey(text, key, ...args);
        expect(await verify(reference, trust), `${name}, ${format}`).toMatchObject({ kind: "verified" });
        expect(await verify(reference, other.trust), `${name}, ${format}`).toMatchObject({ kind: "refused" });
      }
  });

  it("signs keyless in both formats, and our verifier accepts it", async () => {
    const trust = [{ keyless: { issuer: ISSUER, identity: IDENTITY } }];
    for (const { name, registry } of registries)
      for (const [format, args] of FORMATS) {
        const { text, reference } = pushImage(registry);
        await signKeyless(text, ...args);
        expect(await verify(reference, trust), `${name}, ${format}`).toMatchObject({ kind: "verified" });
        for (const keyless of [
          { issuer: ISSUER, identity: "ci@shop" },
          { issuer: "https://issuer", identity: IDENTITY },
        ])
          expect(await verify(reference, [{ keyless }]), `${name}, ${format}`).toMatchObject({
            kind: "refused",
          });
      }
  });

  it("accepts signatures of the test's own Fulcio, Rekor and certificate log, and refuses those of others", async () => {
    const { tlogs, ctlogs } = JSON.parse(
      await createSigstore().then((other) => other.trustedRoot({ ctlogs: [other.certificateLog] })),
    );
    const own = JSON.parse(ROOT);
    const trust = [{ keyless: { issuer: ISSUER, identity: IDENTITY } }];
    for (const { name, registry } of registries)
      for (const [format, args] of FORMATS) {
        const { text, reference } = pushImage(registry);
        await signKeyless(text, ...args);
        await verifyByCosign(text, ROOT, ...args);
        for (const change of [{ tlogs }, { ctlogs }]) {
          const root = JSON.stringify({ ...own, ...change });
          await expect(verifyByCosign(text, root, ...args), `${name}, ${format}`).rejects.toThrow();
          expect(await verify(reference, trust, root), `${name}, ${format}`).toMatchObject({
            kind: "refused",
          });
        }
      }
  });

  it("makes attestations, which do not count as signatures", async () => {
    const { key, trust } = await importKey("attester", generateKeyPairSync("ed25519").privateKey);
    await writeFile(join(folder, "predicate.json"), "{}");
    for (const { registry } of registries) {
      const { text, reference } = pushImage(registry);
      const args = ["--predicate", "predicate.json", "--type", "custom", "--tlog-upload=false"];
      await cosign("attest", "--key", key, ...args, ...SIGN, text);
      expect(await verify(reference, trust)).toMatchObject({
        kind: "refused",
        reason: expect.stringContaining("has no cosign signature"),
      });
    }
  });

  it("signs an index, which covers the index, and with --recursive each manifest of it", async () => {
    const { key, trust } = await importKey("index", generateKeyPairSync("ed25519").privateKey);
    for (const { registry } of registries) {
      const manifest = {
        schemaVersion: 2,
        mediaType: IMAGE_TYPE,
        config: {
          mediaType: "application/vnd.oci.image.config.v1+json",
          digest: sha256Digest("config"),
          size: 2,
        },
        layers: [],
      };
      const name = `image-${count + 1}`;
      const digest = registry.push(name, manifest);
      const size = JSON.stringify(manifest).length;
      const index = pushImage(registry, {
        mediaType: INDEX_TYPE,
        config: undefined,
        layers: undefined,
        manifests: [
          { mediaType: IMAGE_TYPE, digest, size, platform: { os: "linux", architecture: "amd64" } },
        ],
      });
      const inside = { host: registry.host, repository: name, digest };
      await signByKey(index.text, key);
      expect(await verify(index.reference, trust)).toMatchObject({ kind: "verified" });
      expect(await verify(inside, trust)).toMatchObject({ kind: "refused" });
      await signByKey(index.text, key, "--recursive");
      expect(await verify(inside, trust)).toMatchObject({ kind: "verified" });
    }
  });
});
