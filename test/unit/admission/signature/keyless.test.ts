import { generateKeyPairSync, sign } from "node:crypto";
import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { parseTrustedRoot } from "../../../../src/admission/signature/trusted-root.ts";
import { createSignatureVerifier } from "../../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";
import {
  createSigstore,
  imageStatement,
  type KeylessOptions,
  keyBundle,
} from "../../../support/builder/sigstore.ts";
import { signatureStore, simplePayload } from "../../../support/builder/stored-signature.ts";

const DIGEST = sha256Digest("shop");
const REFERENCE = { host: "registry.test", repository: "shop", digest: DIGEST };
const ISSUER = "https://issuer.test";
const IDENTITY = "https://shop.test/ci";
const TRUST = [{ keyless: { issuer: ISSUER, identity: IDENTITY } }];
const logger = pino({ level: "silent" });

const [platform, stranger] = [await createSigstore(), await createSigstore()];
const root = parseTrustedRoot(platform.trustedRoot());

const [bundle, other, foreign] = [
  await platform.bundle(imageStatement(DIGEST)),
  await platform.bundle(imageStatement(DIGEST)),
  await stranger.bundle(imageStatement(DIGEST)),
];

const slowName = await platform.bundle(imageStatement(DIGEST), { logName: "(([a-z:/.]+)+)+!" });

function verify(
  store: Parameters<typeof signatureStore>[0],
  {
    trust = TRUST as Parameters<ReturnType<typeof createSignatureVerifier>["verify"]>[1],
    trustedRoot = root,
  } = {},
) {
  const verifier = createSignatureVerifier({
    client: signatureStore(store),
    logger,
    trustedRoot: () => trustedRoot,
  });
  return verifier.verify(REFERENCE, trust);
}

/** The same signature in both formats. */
async function bothFormats(sigstore: typeof platform, options: KeylessOptions = {}, digest = DIGEST) {
  const payload = simplePayload(digest);
  return [
    { bundles: [await sigstore.bundle(imageStatement(digest), options)] },
    { classic: [{ payload, annotations: await sigstore.annotations(payload, options) }] },
  ];
}

const VERIFIED = { kind: "verified", digest: DIGEST, by: `identity ${IDENTITY} of ${ISSUER}` };
const REFUSED = {
  kind: "refused",
  reason: expect.stringContaining("not signed by a trusted key or identity"),
};

describe("a keyless signature", () => {
  it("verifies a trusted identity, in both formats, even long after the certificate expired", async () => {
    for (const recordedAt of [new Date(), new Date("2024-05-01T10:00:00Z")])
      for (const store of await bothFormats(platform, { recordedAt }))
        expect(await verify(store)).toEqual(VERIFIED);
  });

  it("verifies an e-mail address", async () => {
    const identity = "ci@shop.test";
    const trust = [{ keyless: { issuer: ISSUER, identity } }];
    for (const store of await bothFormats(platform, { identity }))
      expect(await verify(store, { trust })).toMatchObject({ kind: "verified" });
  });

  it.each<[string, KeylessOptions]>([
    ["of another issuer", { issuer: "https://evil.test" }],
    ["of an issuer that only begins like the trusted one", { issuer: `${ISSUER}.evil.test` }],
    ["whose identity the trusted one, read as an expression, matches", { identity: "https://shopxtest/ci" }],
    ["whose identity contains the trusted one", { identity: `https://evil.test/?${IDENTITY}` }],
    ["whose identity begins like the trusted one", { identity: `${IDENTITY}/evil` }],
    ["whose identity is spelled in upper case", { identity: IDENTITY.toUpperCase() }],
    ["that was recorded after the certificate expired", { certifiedAt: new Date(Date.now() - 3_600_000) }],
    ["that was recorded before the certificate was valid", { certifiedAt: new Date(Date.now() + 3_600_000) }],
    ["by a certificate for servers", { usage: "1.3.6.1.5.5.7.3.1" }],
  ])("refuses a keyless signature %s", async (_, options) => {
    for (const store of await bothFormats(platform, options)) expect(await verify(store)).toEqual(REFUSED);
  });

  it("refuses a signer that only matches the trusted identity as a pattern", async () => {
    for (const identity of [".*", "^https://shop\\.test/ci$", "https://shop.test/*", ""])
      for (const store of await bothFormats(platform))
        expect(await verify(store, { trust: [{ keyless: { issuer: ISSUER, identity } }] })).toEqual(REFUSED);
  });

  it("refuses a signature of another artifact, by another Fulcio and Rekor, and of an attestation", async () => {
    for (const store of await bothFormats(platform, {}, sha256Digest("other")))
      expect(await verify(store)).toEqual(REFUSED);
    for (const store of await bothFormats(stranger)) expect(await verify(store)).toEqual(REFUSED);
    const attestation = imageStatement(DIGEST, { predicateType: "https://slsa.dev/provenance/v1" });
    expect(await verify({ bundles: [await platform.bundle(attestation)] })).toMatchObject({
      kind: "refused",
    });
  });

  it("refuses a signature when only the certificate, or only the log, is the platform's", async () => {
    const [own, foreign] = [JSON.parse(platform.trustedRoot()), JSON.parse(stranger.trustedRoot())];
    const mixed = [
      { ...own, tlogs: foreign.tlogs },
      { ...own, certificateAuthorities: foreign.certificateAuthorities },
    ];
    for (const trustedRoot of mixed.map((it) => parseTrustedRoot(JSON.stringify(it))))
      for (const store of await bothFormats(platform))
        expect(await verify(store, { trustedRoot })).toEqual(REFUSED);
  });

  it("refuses a certificate without the promise of a certificate transparency log when the trusted root names one", async () => {
    const { tlogs } = JSON.parse(platform.trustedRoot());
    const trustedRoot = parseTrustedRoot(platform.trustedRoot({ ctlogs: tlogs }));
    for (const store of await bothFormats(platform))
      expect(await verify(store, { trustedRoot })).toEqual(REFUSED);
  });

  it("refuses a keyless signature when the platform has no trusted root, and names the key to add", async () => {
    const missing = `add the key trusted-root.json to ConfigMap catalyst-system/catalyst-trust, with the Sigstore trusted root, or sign with a key that is trusted`;
    const key = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }).toString();
    for (const store of await bothFormats(platform))
      for (const trust of [TRUST, [{ publicKey: key }, ...TRUST]]) {
        const verifier = createSignatureVerifier({ client: signatureStore(store), logger });
        expect(await verifier.verify(REFERENCE, trust)).toEqual({
          kind: "refused",
          reason: `the keyless signature of registry.test/shop@${DIGEST} cannot be checked; ${missing}`,
        });
      }
  });

  it("counts beside a key, whichever signed", async () => {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const key = { publicKey: publicKey.export({ type: "spki", format: "pem" }).toString() };
    const byKey = keyBundle(imageStatement(DIGEST), (message) => sign(null, message, privateKey));
    const [keyless] = await bothFormats(platform);
    const trust = [key, ...TRUST];
    expect(await verify({ bundles: [byKey] }, { trust })).toMatchObject({
      by: expect.stringMatching(/^key /),
    });
    expect(await verify(keyless ?? {}, { trust })).toEqual(VERIFIED);
  });

  it("verifies a signature again when the trusted root changes", async () => {
    const [store = {}] = await bothFormats(platform);
    let trustedRoot = root;
    const verifier = createSignatureVerifier({
      client: signatureStore(store),
      logger,
      trustedRoot: () => trustedRoot,
    });
    expect(await verifier.verify(REFERENCE, TRUST)).toEqual(VERIFIED);
    trustedRoot = parseTrustedRoot(stranger.trustedRoot());
    expect(await verifier.verify(REFERENCE, TRUST)).toEqual(REFUSED);
  });
});

describe("the entry of a transparency log", () => {
  type Bundle = Awaited<ReturnType<typeof platform.bundle>>;
  type Entry = Bundle["verificationMaterial"]["tlogEntries"][number];
  const withEntries = (tlogEntries: object[], from: Bundle = bundle) => ({
    ...from,
    verificationMaterial: { ...from.verificationMaterial, tlogEntries },
  });
  const entryOf = ({ verificationMaterial }: Bundle): Entry => {
    const [entry] = verificationMaterial.tlogEntries;
    if (entry === undefined) throw new Error("the bundle has no entry");
    return entry;
  };
  const entry = entryOf(bundle);
  const flipped = (base64: string) => {
    const bytes = Buffer.from(base64, "base64");
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return bytes.toString("base64");
  };
  const proof = (change: object) => ({ ...entry, inclusionProof: { ...entry.inclusionProof, ...change } });

  it.each<[string, object]>([
    ["is missing", withEntries([])],
    ["is another signature's", withEntries([entryOf(other)])],
    [
      "has an invalid promise",
      withEntries([
        {
          ...entry,
          inclusionPromise: { signedEntryTimestamp: flipped(entry.inclusionPromise.signedEntryTimestamp) },
        },
      ]),
    ],
    ["has no promise and no other trusted time", withEntries([{ ...entry, inclusionPromise: undefined }])],
    ["has no proof", withEntries([{ ...entry, inclusionProof: undefined }])],
    [
      "has a proof that does not lead to the log's root",
      withEntries([proof({ hashes: [flipped(entry.inclusionProof.hashes[0] ?? "")] })]),
    ],
    ["has a proof for another size", withEntries([proof({ hashes: [] })])],
    [
      "has a checkpoint that another log signed",
      withEntries([proof({ checkpoint: entryOf(foreign).inclusionProof.checkpoint })]),
    ],
    [
      "has a checkpoint without a signature",
      withEntries([proof({ checkpoint: { envelope: "rekor.test\n2\nAAAA\n" } })]),
    ],
    [
      "was recorded at another time",
      withEntries([{ ...entry, integratedTime: String(Number(entry.integratedTime) + 1) }]),
    ],
    ["occurs twice", withEntries([entry, entry])],
    ["has another body", withEntries([{ ...entry, canonicalizedBody: entryOf(other).canonicalizedBody }])],
  ])("makes the signature count for nothing when it %s", async (_, changed) => {
    expect(await verify({ bundles: [changed] })).toMatchObject({ kind: "refused" });
    expect(await verify({ bundles: [changed, bundle] })).toEqual(VERIFIED);
  });

  /** The smallest entries that an older bundle may have, as many as a registry may send. */
  const crowd = {
    ...withEntries(
      Array.from({ length: 6_000 }, (_, at) => ({
        logId: { keyId: "AA==" },
        kindVersion: { kind: "dsse", version: "0.0.1" },
        integratedTime: String(1_700_000_000 + at),
        inclusionPromise: { signedEntryTimestamp: "AA==" },
      })),
    ),
    mediaType: "application/vnd.dev.sigstore.bundle+json;version=0.1",
  };
  it.each([
    ["thousands of entries", crowd],
    ["a name in its checkpoint that is a slow regular expression", slowName],
  ])("refuses at once an entry with %s", async (_, hostile) => {
    const client = signatureStore({ bundles: [hostile] });
    const verifier = createSignatureVerifier({ client, logger, trustedRoot: () => root });
    const startedAt = performance.now();
    expect(await verifier.verify(REFERENCE, TRUST)).toEqual(REFUSED);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  });
});

describe("a certificate", () => {
  it("refuses a certificate of the wrong form, and checks the others", async () => {
    const good = await platform.bundle(imageStatement(DIGEST));
    for (const rawBytes of ["", "AAAA", Buffer.alloc(200_000, 0x30).toString("base64")]) {
      const broken = {
        ...good,
        verificationMaterial: { ...good.verificationMaterial, certificate: { rawBytes } },
      };
      expect(await verify({ bundles: [broken] })).toMatchObject({ kind: "refused" });
      expect(await verify({ bundles: [broken, good] })).toEqual(VERIFIED);
    }
  });
});
