import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { ed25519ph } from "@noble/curves/ed25519.js";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { createSignatureVerifier } from "../../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";
import { imageStatement, keyBundle } from "../../../support/builder/sigstore.ts";
import { signatureStore, simplePayload } from "../../../support/builder/stored-signature.ts";

const DIGEST = sha256Digest("shop");
const REFERENCE = { host: "registry.test", repository: "shop", digest: DIGEST };
const logger = pino({ level: "silent" });
const trustOf = (publicKey: KeyObject) => [
  { publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() },
];

const verify = (client: Parameters<typeof signatureStore>[0], publicKey: KeyObject) =>
  createSignatureVerifier({ client: signatureStore(client), logger }).verify(REFERENCE, trustOf(publicKey));

const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signP256 = (message: Buffer) => sign("sha256", message, p256.privateKey);

describe("a signature by key", () => {
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const p521 = generateKeyPairSync("ec", { namedCurve: "P-521" });
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const weakRsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const ed25519 = generateKeyPairSync("ed25519");
  const seed = Buffer.from(ed25519.privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  const pss = { key: rsa.privateKey, padding: 6, saltLength: 32 };

  it.each<[string, KeyObject, (message: Buffer) => Buffer, "verified" | "refused"]>([
    ["ECDSA P-256 with SHA-256", p256.publicKey, signP256, "verified"],
    ["ECDSA P-384 with SHA-256", p384.publicKey, (it) => sign("sha256", it, p384.privateKey), "verified"],
    ["ECDSA P-384 with SHA-384", p384.publicKey, (it) => sign("sha384", it, p384.privateKey), "verified"],
    ["RSA of 2048 bits with PKCS #1", rsa.publicKey, (it) => sign("sha256", it, rsa.privateKey), "verified"],
    ["Ed25519", ed25519.publicKey, (it) => sign(null, it, ed25519.privateKey), "verified"],
    ["Ed25519ph", ed25519.publicKey, (it) => Buffer.from(ed25519ph.sign(it, seed)), "verified"],
    [
      "Ed25519ph with a context",
      ed25519.publicKey,
      (it) => Buffer.from(ed25519ph.sign(it, seed, { context: Buffer.from("other") })),
      "refused",
    ],
    ["ECDSA P-256 with SHA-1", p256.publicKey, (it) => sign("sha1", it, p256.privateKey), "refused"],
    ["ECDSA P-521", p521.publicKey, (it) => sign("sha256", it, p521.privateKey), "refused"],
    ["RSA of 1024 bits", weakRsa.publicKey, (it) => sign("sha256", it, weakRsa.privateKey), "refused"],
    ["RSA with PSS", rsa.publicKey, (it) => sign("sha256", it, pss), "refused"],
    ["nothing", p256.publicKey, () => Buffer.alloc(0), "refused"],
    [
      "the digest of the message in place of the message",
      p256.publicKey,
      (it) => signP256(createHash("sha256").update(it).digest()),
      "refused",
    ],
  ])(
    "verifies or refuses, in both formats, a signature with %s",
    async (_, publicKey, signature, expected) => {
      const payload = simplePayload(DIGEST);
      const annotations = {
        "dev.cosignproject.cosign/signature": signature(payload).toString("base64"),
      };
      const stores = [
        { bundles: [keyBundle(imageStatement(DIGEST), signature)] },
        { classic: [{ annotations, payload }] },
      ];
      for (const store of stores) expect((await verify(store, publicKey)).kind).toBe(expected);
    },
  );
});

describe("a bundle", () => {
  const bundleOf = (change: object) => keyBundle(imageStatement(DIGEST, change), signP256);
  const subject = { digest: { sha256: DIGEST.replace("sha256:", "") } };

  it.each<[string, object]>([
    ["of the first version of the statement", bundleOf({ _type: "https://in-toto.io/Statement/v0.1" })],
    ["whose subject has a name", bundleOf({ subject: [{ ...subject, name: "shop" }] })],
  ])("counts a bundle %s", async (_, bundle) => {
    expect(await verify({ bundles: [bundle] }, p256.publicKey)).toMatchObject({
      kind: "verified",
      digest: DIGEST,
      by: expect.stringMatching(/^key SHA256:/),
    });
  });

  const other = keyBundle(imageStatement(sha256Digest("other")), signP256);
  const good = bundleOf({});
  const [signature] = good.dsseEnvelope.signatures;
  it.each<[string, object]>([
    ["of another artifact", other],
    ["that is an attestation", bundleOf({ predicateType: "https://slsa.dev/provenance/v1" })],
    ["without a predicate type", bundleOf({ predicateType: undefined })],
    ["of another kind of statement", bundleOf({ _type: "https://example.test/Statement" })],
    ["without a subject", bundleOf({ subject: [] })],
    ["of two subjects", bundleOf({ subject: [subject, { digest: { sha256: "00".repeat(32) } }] })],
    ["whose subject is no list", bundleOf({ subject })],
    [
      "whose subject has only another digest",
      bundleOf({ subject: [{ digest: { sha512: subject.digest.sha256 } }] }),
    ],
    ["with another payload type", keyBundle(imageStatement(DIGEST), signP256, "application/json")],
    ["with a payload that is not JSON", keyBundle(Buffer.from("{"), signP256)],
    [
      "whose payload was exchanged",
      {
        ...other,
        dsseEnvelope: { ...other.dsseEnvelope, payload: imageStatement(DIGEST).toString("base64") },
      },
    ],
    [
      "with two signatures",
      { ...good, dsseEnvelope: { ...good.dsseEnvelope, signatures: [signature, signature] } },
    ],
    ["without a signature", { ...good, dsseEnvelope: { ...good.dsseEnvelope, signatures: [] } }],
    ["without an envelope", { ...good, dsseEnvelope: undefined }],
    [
      "that signs bytes in place of a statement",
      {
        mediaType: good.mediaType,
        verificationMaterial: good.verificationMaterial,
        messageSignature: {
          messageDigest: {
            algorithm: "SHA2_256",
            digest: Buffer.from(DIGEST.slice(7), "hex").toString("base64"),
          },
          signature: signature?.sig,
        },
      },
    ],
    ["of an unknown media type", { ...good, mediaType: "application/json" }],
    ["that is empty", {}],
  ])("does not count a bundle %s", async (_, bundle) => {
    expect(await verify({ bundles: [bundle] }, p256.publicKey)).toMatchObject({ kind: "refused" });
    // It does not prevent another bundle from counting.
    expect(await verify({ bundles: [bundle, good] }, p256.publicKey)).toMatchObject({ kind: "verified" });
  });

  it("does not count a bundle that the index of referrers lists with another type", async () => {
    const store = { bundles: [good], artifactType: "application/spdx+json" };
    expect(await verify(store, p256.publicKey)).toMatchObject({ kind: "refused" });
  });

  it("counts as one of the first sixteen, and not after them", async () => {
    const kinds: string[] = [];
    for (const before of [15, 16]) {
      const bundles = [...Array.from({ length: before }, (_, at) => ({ ...other, at })), good];
      kinds.push((await verify({ bundles }, p256.publicKey)).kind);
    }
    expect(kinds).toEqual(["verified", "refused"]);
  });

  it("counts although the other format cannot be read, and the reverse; without either, nothing is decided", async () => {
    const fail = () => Promise.reject(new Error("the registry fails"));
    const store = signatureStore({ bundles: [good] });
    const classicOnly = signatureStore({
      classic: [
        {
          payload: simplePayload(DIGEST),
          annotations: {
            "dev.cosignproject.cosign/signature": signP256(simplePayload(DIGEST)).toString("base64"),
          },
        },
      ],
    });
    const withoutClassic = {
      ...store,
      manifest: (...[at, reference, signal]: Parameters<typeof store.manifest>) =>
        reference.endsWith(".sig") ? fail() : store.manifest(at, reference, signal),
    };
    const decide = async (client: typeof store, publicKey = p256.publicKey) =>
      createSignatureVerifier({ client, logger }).verify(REFERENCE, trustOf(publicKey));
    expect(await decide(withoutClassic)).toMatchObject({ kind: "verified" });
    expect(await decide({ ...classicOnly, referrers: fail })).toMatchObject({ kind: "verified" });
    expect(await decide(withoutClassic, generateKeyPairSync("ed25519").publicKey)).toMatchObject({
      kind: "refused",
      reason: expect.stringContaining("could not be checked"),
    });
  });
});
