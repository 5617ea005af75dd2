import { generateKeyPairSync, sign } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { OciClient } from "../../../../src/admission/signature/oci-client.ts";
import { createSignatureVerifier } from "../../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";

const PAYLOAD_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const TRUST = [{ publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() }];
const digestOf = (name: string) => sha256Digest(name);
const referenceOf = (name: string) => ({
  host: "registry.test",
  repository: name,
  digest: digestOf(name),
});

const payloadOf = (name: string, type = "cosign container image signature") =>
  Buffer.from(JSON.stringify({ critical: { type, image: { "docker-manifest-digest": digestOf(name) } } }));
const layerOf = (payload: Buffer, change: object = {}) => ({
  mediaType: PAYLOAD_TYPE,
  digest: sha256Digest(payload),
  annotations: {
    "dev.cosignproject.cosign/signature": sign(null, payload, privateKey).toString("base64"),
  },
  ...change,
});

/** A registry in memory. Each repository has a manifest of signatures; `asked` has the repositories that were looked up. */
function registryOf(manifests: Record<string, string | object>, blobs: Buffer[]) {
  const asked: string[] = [];
  const client: OciClient = {
    async manifest({ repository }) {
      asked.push(repository);
      const manifest = manifests[repository];
      return Buffer.from(typeof manifest === "string" ? manifest : JSON.stringify(manifest));
    },
    async blob(_at, digest) {
      const found = blobs.find((blob) => sha256Digest(blob) === digest);
      if (found === undefined) throw new Error(`there is no blob ${digest}`);
      return found;
    },
    referrers: async () => [],
  };
  return { client, asked };
}

const logger = pino({ level: "silent" });

describe("createSignatureVerifier", () => {
  it("caches verified signatures up to its limit, and drops the oldest first", async () => {
    const payloads = ["a", "b", "c"].map((name) => payloadOf(name));
    const manifests = Object.fromEntries(
      ["a", "b", "c"].map((name) => [name, { layers: [layerOf(payloadOf(name))] }]),
    );
    const { client, asked } = registryOf(manifests, payloads);
    const verifier = createSignatureVerifier({ client, logger, maxCached: 2 });
    for (const name of ["a", "b", "a", "c", "b", "c", "a"])
      expect((await verifier.verify(referenceOf(name), TRUST)).kind).toBe("verified");
    expect(asked).toEqual(["a", "b", "c", "a"]);
  });

  const payload = payloadOf("shop");
  it.each<[string, Buffer, string | object, string]>([
    ["an Ed25519 key signed it", payload, { layers: [layerOf(payload)] }, "verified"],
    [
      "its type is that of cosign's newer versions",
      payloadOf("shop", "https://sigstore.dev/cosign/sign/v1"),
      { layers: [layerOf(payloadOf("shop", "https://sigstore.dev/cosign/sign/v1"))] },
      "verified",
    ],
    [
      "the signature comes after layers of other types, without a digest and without a signature",
      payload,
      {
        layers: [
          layerOf(payload, { mediaType: "text/plain" }),
          layerOf(payload, { digest: undefined }),
          layerOf(payload, { annotations: undefined }),
          layerOf(payload, { annotations: {} }),
          layerOf(payload),
        ],
      },
      "verified",
    ],
    ["the manifest is not JSON", payload, "{", "no cosign signature"],
    ["the manifest has no layers", payload, {}, "no cosign signature"],
    [
      "the payload is not JSON",
      Buffer.from("{"),
      { layers: [layerOf(Buffer.from("{"))] },
      "no cosign signature",
    ],
    [
      "the payload has no type",
      Buffer.from(JSON.stringify({ critical: { image: { "docker-manifest-digest": digestOf("shop") } } })),
      {
        layers: [
          layerOf(
            Buffer.from(
              JSON.stringify({ critical: { image: { "docker-manifest-digest": digestOf("shop") } } }),
            ),
          ),
        ],
      },
      "no cosign signature",
    ],
    [
      "the payload names no image",
      Buffer.from(JSON.stringify({ critical: { type: "cosign container image signature" } })),
      {
        layers: [
          layerOf(Buffer.from(JSON.stringify({ critical: { type: "cosign container image signature" } }))),
        ],
      },
      "no cosign signature",
    ],
  ])("decides when %s", async (_when, blob, manifest, expected) => {
    const { client } = registryOf({ shop: manifest }, [blob]);
    const verdict = await createSignatureVerifier({ client, logger }).verify(referenceOf("shop"), TRUST);
    if (expected === "verified")
      expect(verdict).toMatchObject({ kind: "verified", digest: digestOf("shop") });
    else expect(verdict).toEqual({ kind: "refused", reason: expect.stringContaining(expected) });
  });

  it("tries every trusted key, also after one that is not a key", async () => {
    const { client } = registryOf({ shop: { layers: [layerOf(payload)] } }, [payload]);
    const verifier = createSignatureVerifier({ client, logger });
    expect((await verifier.verify(referenceOf("shop"), [{ publicKey: "no PEM" }])).kind).toBe("refused");
    expect((await verifier.verify(referenceOf("shop"), [{ publicKey: "no PEM" }, ...TRUST])).kind).toBe(
      "verified",
    );
  });

  it("checks the first sixteen signatures only", async () => {
    const wrong = payloadOf("other");
    const layersWith = (before: number) => ({
      layers: [...Array.from({ length: before }, () => layerOf(wrong)), layerOf(payload)],
    });
    const verdicts: string[] = [];
    for (const before of [15, 16]) {
      const { client } = registryOf({ shop: layersWith(before) }, [payload, wrong]);
      const verdict = await createSignatureVerifier({ client, logger }).verify(referenceOf("shop"), TRUST);
      verdicts.push(verdict.kind);
    }
    expect(verdicts).toEqual(["verified", "refused"]);
  });
});
