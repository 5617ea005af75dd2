import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { createOciClient } from "../../../src/admission/signature/oci-client.ts";
import { createRegistryRequest } from "../../../src/admission/signature/registry-request.ts";
import { createSignatureVerifier } from "../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../src/platform/canonical-json.ts";
import { type Artifact, blueprintArtifact } from "../../../src/playground/image.ts";
import { type Registry, startRegistry } from "../../../src/playground/registry/server.ts";
import { signArtifact, signatureTag } from "../../../src/playground/registry/signature.ts";

const HOST = "registry.test";
const UNCHECKED =
  /^the signature of registry\.test\/\S+ could not be checked, because its registry did not answer as it should; try again$/;
const newKey = () => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    trust: [{ publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() }],
  };
};

const shop = blueprintArtifact("shop", "1.0.0");
const other = blueprintArtifact("other", "1.0.0");
const pinned = ({ repository, digest }: Artifact) => ({ host: HOST, repository, digest });
const textOf = ({ repository, digest }: Artifact) => `${HOST}/${repository}@${digest}`;
const [key, stranger] = [newKey(), newKey()];
const signed = signArtifact(shop, textOf(shop), key.privatePem);

const registries: Registry[] = [];
afterEach(async () => {
  for (const registry of registries.splice(0)) await registry.close();
});

async function registryWith(...pushed: [Artifact, string?][]) {
  const registry = await startRegistry();
  registries.push(registry);
  for (const [artifact, tag] of pushed) registry.push(artifact, tag);
  return { registry, verifier: verifierAt(registry.origin) };
}

/** The reasons in the operator's log. Denials do not contain them. */
const logged: string[] = [];
const logger = pino({}, { write: (line: string) => logged.push(JSON.parse(line).why) });

const verifierAt = (origin: string) =>
  createSignatureVerifier({
    logger,
    client: createOciClient(
      createRegistryRequest({ mirrors: new Map([[HOST, origin]]), isInsecure: () => false }),
    ),
  });

/** The signature artifact with other bytes under the same names. */
function tampered(
  edit: (
    manifest: { layers: { digest: string; annotations: Record<string, string> }[] },
    blobs: Map<string, Uint8Array>,
  ) => void,
): Artifact {
  const manifest = JSON.parse(signed.manifest);
  const blobs = new Map(signed.blobs);
  edit(manifest, blobs);
  const text = JSON.stringify(manifest);
  return { ...signed, manifest: text, digest: sha256Digest(text), blobs };
}

describe("a signature in cosign's classic format", () => {
  it("verifies a signature of the digest by a trusted key", async () => {
    const { verifier } = await registryWith([shop], [signed, signatureTag(shop.digest)]);
    expect(await verifier.verify(pinned(shop), [...stranger.trust, ...key.trust])).toMatchObject({
      kind: "verified",
      digest: shop.digest,
    });
  });

  it.each<[string, [Artifact, string?][], RegExp, RegExp?]>([
    ["there is none", [[shop]], /has no cosign signature; sign it with cosign sign$/],
    [
      "another key made it",
      [[signArtifact(shop, "x", stranger.privatePem), signatureTag(shop.digest)]],
      /is not signed by a trusted key or identity; sign it with one of ConfigMap catalyst-system\/catalyst-trust or, for a private Blueprint, of its Franchise$/,
    ],
    [
      "it is another artifact's",
      [
        [
          signArtifact({ ...other, repository: shop.repository }, "x", key.privatePem),
          signatureTag(shop.digest),
        ],
      ],
      /is not signed by a trusted key or identity; sign it with one of ConfigMap catalyst-system\/catalyst-trust or, for a private Blueprint, of its Franchise$/,
    ],
    [
      "the payload was exchanged",
      [
        [
          tampered((manifest, blobs) => {
            const payload = Buffer.from(
              JSON.stringify({
                critical: {
                  type: "cosign container image signature",
                  image: { "docker-manifest-digest": shop.digest },
                },
              }),
            );
            const [layer] = manifest.layers;
            if (layer !== undefined) layer.digest = sha256Digest(payload);
            blobs.set(sha256Digest(payload), payload);
          }),
          signatureTag(shop.digest),
        ],
      ],
      /is not signed by a trusted key or identity; sign it with one of ConfigMap catalyst-system\/catalyst-trust or, for a private Blueprint, of its Franchise$/,
    ],
    [
      "the registry sends other bytes than the digest says",
      [
        [
          tampered((manifest, blobs) => blobs.set(manifest.layers[0]?.digest ?? "", Buffer.from("{}"))),
          signatureTag(shop.digest),
        ],
      ],
      UNCHECKED,
      /sends other content than sha256:/,
    ],
    [
      "the payload is a megabyte too large",
      [
        [
          tampered((manifest, blobs) =>
            blobs.set(manifest.layers[0]?.digest ?? "", Buffer.alloc(2 ** 20 + 1)),
          ),
          signatureTag(shop.digest),
        ],
      ],
      UNCHECKED,
      /answered more than 1048576 bytes/,
    ],
  ])("refuses a signature when %s", async (_, pushed, reason, why) => {
    const { verifier } = await registryWith(...pushed);
    const verdict = await verifier.verify(pinned(shop), key.trust);
    expect(verdict.kind).toBe("refused");
    expect((verdict as { reason: string }).reason).toMatch(reason);
    if (why !== undefined) expect(logged.at(-1)).toMatch(why);
  });

  it("refuses a signature when no key or identity is trusted", async () => {
    const { verifier } = await registryWith([shop], [signed, signatureTag(shop.digest)]);
    expect(await verifier.verify(pinned(shop), [])).toEqual({
      kind: "refused",
      reason: `no trusted key or identity applies to ${textOf(shop)}; add one to trust in ConfigMap catalyst-system/catalyst-trust`,
    });
  });

  it("caches a verified signature, and checks a refused one again", async () => {
    const { registry, verifier } = await registryWith([shop]);
    expect((await verifier.verify(pinned(shop), key.trust)).kind).toBe("refused");
    registry.push(signed, signatureTag(shop.digest));
    expect((await verifier.verify(pinned(shop), key.trust)).kind).toBe("verified");
    await registry.close();
    expect((await verifier.verify(pinned(shop), key.trust)).kind).toBe("verified");
    expect(await verifier.verify(pinned(shop), stranger.trust)).toMatchObject({
      kind: "refused",
      reason: expect.stringMatching(UNCHECKED),
    });
    expect(logged.at(-1)).toMatch(
      /^registry\.test: GET \S+ failed: (other side closed|connect ECONNREFUSED \S+)$/,
    );
  });

  it("refuses a signature within the verifier's deadline when the registry does not answer", async () => {
    const hanging = createServer(() => {});
    const port = await new Promise<number>((resolve) =>
      hanging.listen(0, "127.0.0.1", () => resolve((hanging.address() as { port: number }).port)),
    );
    const verdict = await verifierAt(`http://127.0.0.1:${port}`).verify(pinned(shop), key.trust);
    expect(verdict).toMatchObject({ kind: "refused", reason: expect.stringMatching(UNCHECKED) });
    hanging.closeAllConnections();
    await new Promise((resolve) => hanging.close(resolve));
  });
});
