import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { parseTrustedRoot } from "../../../../src/admission/signature/trusted-root.ts";
import { createSignatureVerifier } from "../../../../src/admission/signature/verifier.ts";
import { sha256Digest } from "../../../../src/platform/canonical-json.ts";
import { createSigstore, imageStatement, type KeylessOptions } from "../../../support/builder/sigstore.ts";
import { signatureStore, simplePayload } from "../../../support/builder/stored-signature.ts";
import { createTimestampAuthority } from "../../../support/builder/timestamp-authority.ts";

const DIGEST = sha256Digest("shop");
const REFERENCE = { host: "registry.test", repository: "shop", digest: DIGEST };
const TRUST = [{ keyless: { issuer: "https://issuer.test", identity: "https://shop.test/ci" } }];
const HOUR_MS = 3_600_000;
const NOW = new Date();

const sigstore = await createSigstore();
const [authority, stranger] = [await createTimestampAuthority(), await createTimestampAuthority()];
const withAuthority = sigstore.trustedRoot({ timestampAuthorities: [authority.trusted] });
const withLog = sigstore.trustedRoot({ ctlogs: [sigstore.certificateLog] });

async function kindOf(store: Parameters<typeof signatureStore>[0], trustedRoot: string): Promise<string> {
  const verifier = createSignatureVerifier({
    client: signatureStore(store),
    logger: pino({ level: "silent" }),
    trustedRoot: () => parseTrustedRoot(trustedRoot),
  });
  return (await verifier.verify(REFERENCE, TRUST)).kind;
}

/** The same signature in both formats. */
async function bothFormats(options: KeylessOptions) {
  const payload = simplePayload(DIGEST);
  return [
    { bundles: [await sigstore.bundle(imageStatement(DIGEST), options)] },
    { classic: [{ payload, annotations: await sigstore.annotations(payload, options) }] },
  ];
}

describe("a promise of a certificate transparency log", () => {
  it.each<[string, KeylessOptions["promisedBy"], string]>([
    ["of the trusted root", "own", "verified"],
    ["of another", "other", "refused"],
    ["that is missing", undefined, "refused"],
  ])("%s: by %s, %s", async (_, promisedBy, kind) => {
    for (const store of await bothFormats({ promisedBy })) expect(await kindOf(store, withLog)).toBe(kind);
  });

  it("does not count the promise for another certificate", async () => {
    const [own, other] = [
      await sigstore.bundle(imageStatement(DIGEST), { promisedBy: "own" }),
      await sigstore.bundle(imageStatement(DIGEST), { promisedBy: "own", identity: "https://evil.test/ci" }),
    ];
    const { certificate } = other.verificationMaterial;
    const mixed = { ...own, verificationMaterial: { ...own.verificationMaterial, certificate } };
    expect(await kindOf({ bundles: [mixed] }, withLog)).toBe("refused");
  });
});

type Bundle = Awaited<ReturnType<typeof sigstore.bundle>>;
const signatureOf = ({ dsseEnvelope }: Bundle) =>
  Buffer.from(dsseEnvelope.signatures[0]?.sig ?? "", "base64");
/** A bundle without the log's own time: a timestamp must say when it was signed. */
const withTimestamps = (bundle: Bundle, ...signedTimestamps: string[]) => ({
  ...bundle,
  verificationMaterial: {
    ...bundle.verificationMaterial,
    tlogEntries: bundle.verificationMaterial.tlogEntries.map(({ inclusionPromise: _, ...entry }) => entry),
    timestampVerificationData: {
      rfc3161Timestamps: signedTimestamps.map((signedTimestamp) => ({ signedTimestamp })),
    },
  },
});

describe("a timestamp of an authority", () => {
  it.each<[string, (bundle: Bundle) => string[], string]>([
    ["of the trusted root", (it) => [authority.timestamp(signatureOf(it), NOW)], "verified"],
    ["of another", (it) => [stranger.timestamp(signatureOf(it), NOW)], "refused"],
    [
      "of another, beside one that counts",
      (it) => [authority.timestamp(signatureOf(it), NOW), stranger.timestamp(signatureOf(it), NOW)],
      "refused",
    ],
    [
      "before the certificate",
      (it) => [authority.timestamp(signatureOf(it), new Date(NOW.getTime() - HOUR_MS))],
      "refused",
    ],
    [
      "after the certificate",
      (it) => [authority.timestamp(signatureOf(it), new Date(NOW.getTime() + HOUR_MS))],
      "refused",
    ],
    ["of another signature", () => [authority.timestamp(Buffer.from("other"), NOW)], "refused"],
    ["that is missing", () => [], "refused"],
    ["that is none", () => [Buffer.from("AAAA").toString("base64")], "refused"],
  ])("verifies or refuses a timestamp %s", async (_, timestamps, kind) => {
    const bundle = await sigstore.bundle(imageStatement(DIGEST), { recordedAt: NOW });
    expect(await kindOf({ bundles: [withTimestamps(bundle, ...timestamps(bundle))] }, withAuthority)).toBe(
      kind,
    );
  });

  it("requires a timestamp that agrees with the time of the log", async () => {
    const bundle = await sigstore.bundle(imageStatement(DIGEST), { recordedAt: NOW });
    const late = authority.timestamp(signatureOf(bundle), new Date(NOW.getTime() + HOUR_MS));
    const { verificationMaterial } = withTimestamps(bundle, late);
    const { tlogEntries } = bundle.verificationMaterial;
    const both = { ...bundle, verificationMaterial: { ...verificationMaterial, tlogEntries } };
    expect(await kindOf({ bundles: [both] }, withAuthority)).toBe("refused");
  });

  it("ignores a timestamp when the trusted root names no authority", async () => {
    const bundle = await sigstore.bundle(imageStatement(DIGEST), { recordedAt: NOW });
    const timestamp = authority.timestamp(signatureOf(bundle), NOW);
    expect(await kindOf({ bundles: [withTimestamps(bundle, timestamp)] }, sigstore.trustedRoot())).toBe(
      "refused",
    );
  });
});

describe("an entry of Rekor 2", () => {
  const entryOf = (bundle: Bundle, change: object = {}) => {
    const { rawBytes } = bundle.verificationMaterial.certificate;
    const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64");
    return sigstore.recordV2({
      payloadHash: {
        algorithm: "SHA2_256",
        digest: Buffer.from(sha256Digest(payload).replace("sha256:", ""), "hex").toString("base64"),
      },
      signatures: [
        {
          content: signatureOf(bundle).toString("base64"),
          verifier: { x509Certificate: { rawBytes }, keyDetails: "PKIX_ECDSA_P256_SHA_256" },
        },
      ],
      ...change,
    });
  };
  async function judged(change: object, timestamps: (bundle: Bundle) => string[]): Promise<string> {
    const bundle = await sigstore.bundle(imageStatement(DIGEST), { recordedAt: NOW });
    const { verificationMaterial } = withTimestamps(bundle, ...timestamps(bundle));
    const recorded = { ...verificationMaterial, tlogEntries: [entryOf(bundle, change)] };
    return await kindOf({ bundles: [{ ...bundle, verificationMaterial: recorded }] }, withAuthority);
  }
  const now = (bundle: Bundle) => [authority.timestamp(signatureOf(bundle), NOW)];

  it("verifies an entry of Rekor 2 with the timestamp of an authority", async () =>
    expect(await judged({}, now)).toBe("verified"));

  it.each<[string, object, (bundle: Bundle) => string[]]>([
    ["without a timestamp", {}, () => []],
    ["of another payload", { payloadHash: { algorithm: "SHA2_256", digest: "AAAA" } }, now],
    ["of another signature", { signatures: [{ content: "AAAA" }] }, now],
    ["of no signature", { signatures: [] }, now],
  ])("refuses an entry of Rekor 2 %s", async (_, change, timestamps) =>
    expect(await judged(change, timestamps)).toBe("refused"),
  );
});
