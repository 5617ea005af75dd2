import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
// @peculiar/x509 needs reflect-metadata to be loaded first.
import "reflect-metadata";

import * as x509 from "@peculiar/x509";
import { canonicalJson } from "../../../src/platform/canonical-json.ts";
import { certificateBody, createCertificateLog } from "./certificate-log.ts";
import { ALGORITHM, createAuthority, serialNumber, utf8String } from "./signing-authority.ts";

/** The content of a keyless signature, and its records in the logs. */
export interface KeylessOptions {
  issuer?: string;
  identity?: string;
  /** The time of the log entry. Default: now. */
  recordedAt?: Date;
  /** The start of the certificate's validity, which is ten minutes. Default: a minute before `recordedAt`. */
  certifiedAt?: Date;
  /** The certificate's extended key usage. Default: code signing. */
  usage?: string;
  /** The name in the log's checkpoint. Default: the log's host. */
  logName?: string;
  /** The log that promised to record the certificate: the log of the trusted root, or another. Default: none. */
  promisedBy?: "own" | "other" | undefined;
}

const CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
const OIDC_ISSUER = "1.3.6.1.4.1.57264.1.8";
/** The older extension, which holds plain text. cosign reads it in the classic format. */
const OLD_OIDC_ISSUER = "1.3.6.1.4.1.57264.1.1";
const PROMISES = "1.3.6.1.4.1.11129.2.4.2";
const LOG_HOST = "rekor.test";
/** Rekor 1 adds the number of its tree to its name. Without the number, Sigstore's clients treat the log as Rekor 2. */
const LOG_ORIGIN = `${LOG_HOST} - 1193050959916656506`;
const MINUTE_MS = 60_000;
const STATEMENT_TYPE = "application/vnd.in-toto+json";

const sha256 = (...parts: Uint8Array[]) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const derOf = (key: KeyObject) => key.export({ type: "spki", format: "der" });

/** The bytes that a DSSE signature covers. */
const preAuthEncoding = (type: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);

/** The statement that cosign signs for an image. */
export const imageStatement = (digest: string, change: object = {}): Buffer =>
  Buffer.from(
    JSON.stringify({
      _type: "https://in-toto.io/Statement/v1",
      subject: [{ digest: { sha256: digest.replace("sha256:", "") } }],
      predicateType: "https://sigstore.dev/cosign/sign/v1",
      predicate: {},
      ...change,
    }),
  );

/** The bundle that a key's owner creates for a statement. `signature` signs the given bytes. */
export const keyBundle = (
  payload: Buffer,
  signature: (message: Buffer) => Buffer,
  payloadType = STATEMENT_TYPE,
) => ({
  mediaType: "application/vnd.dev.sigstore.bundle.v0.3+json",
  verificationMaterial: { publicKey: { hint: "key" }, tlogEntries: [] },
  dsseEnvelope: {
    payload: payload.toString("base64"),
    payloadType,
    signatures: [{ sig: signature(preAuthEncoding(payloadType, payload)).toString("base64") }],
  },
});

/** A certificate authority like Fulcio and a transparency log like Rekor, made for a test. */
export async function createSigstore() {
  const ca = await createAuthority();
  const log = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const logId = sha256(derOf(log.publicKey));
  const certificateLogs = { own: createCertificateLog(), other: createCertificateLog() };

  /** A certificate in DER. */
  async function issue(publicKey: KeyObject, options: KeylessOptions): Promise<Buffer> {
    const {
      issuer = "https://issuer.test",
      identity = "https://shop.test/ci",
      usage = CODE_SIGNING,
    } = options;
    const recordedAt = options.recordedAt ?? new Date();
    const from = (options.certifiedAt ?? new Date(recordedAt.getTime() - MINUTE_MS)).getTime();
    const content = {
      serialNumber: serialNumber(),
      issuer: ca.certificate.subject,
      notBefore: new Date(from),
      notAfter: new Date(from + 10 * MINUTE_MS),
      publicKey: new x509.PublicKey(derOf(publicKey)),
      signingKey: ca.privateKey as never,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([usage]),
        new x509.SubjectAlternativeNameExtension([
          { type: identity.includes("://") ? "url" : "email", value: identity },
        ]),
        new x509.Extension(OIDC_ISSUER, false, utf8String(issuer)),
        new x509.Extension(OLD_OIDC_ISSUER, false, Buffer.from(issuer)),
        await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
      ],
    };
    const plain = Buffer.from((await x509.X509CertificateGenerator.create(content)).rawData);
    if (options.promisedBy === undefined) return plain;
    const promise = certificateLogs[options.promisedBy].promise(
      certificateBody(plain),
      Buffer.from(ca.certificate.publicKey.rawData),
      recordedAt,
    );
    const extensions = [...content.extensions, new x509.Extension(PROMISES, false, promise)];
    return Buffer.from((await x509.X509CertificateGenerator.create({ ...content, extensions })).rawData);
  }

  async function certify(options: KeylessOptions) {
    const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const recordedAt = options.recordedAt ?? new Date();
    const der = await issue(keys.publicKey, { ...options, recordedAt });
    return { der, privateKey: keys.privateKey, recordedAt };
  }

  /** A proof of inclusion as the second leaf of two, with the checkpoint that the log signed. */
  function prove(leaf: Buffer, origin: string, logName: string) {
    const sibling = randomBytes(32);
    const rootHash = sha256(Buffer.of(1), sibling, sha256(Buffer.of(0), leaf));
    const note = `${origin}\n2\n${rootHash.toString("base64")}\n`;
    const signature = Buffer.concat([
      logId.subarray(0, 4),
      sign("sha256", Buffer.from(note), log.privateKey),
    ]);
    return {
      logIndex: "1",
      rootHash: rootHash.toString("base64"),
      treeSize: "2",
      hashes: [sibling.toString("base64")],
      checkpoint: { envelope: `${note}\n\u2014 ${logName} ${signature.toString("base64")}\n` },
    };
  }

  /** An entry of the log as Rekor 1 makes it, with its promise and its proof of inclusion. */
  function record(body: object, recordedAt: Date, logName = LOG_HOST) {
    const canonicalizedBody = Buffer.from(canonicalJson(body));
    const integratedTime = Math.floor(recordedAt.getTime() / 1000);
    const promise = canonicalJson({
      body: canonicalizedBody.toString("base64"),
      integratedTime,
      logIndex: 1,
      logID: logId.toString("hex"),
    });
    const inclusionProof = prove(canonicalizedBody, LOG_ORIGIN, logName);
    const { kind, apiVersion } = body as { kind: string; apiVersion: string };
    return {
      logIndex: "1",
      logId: { keyId: logId.toString("base64") },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: {
        signedEntryTimestamp: sign("sha256", Buffer.from(promise), log.privateKey).toString("base64"),
      },
      inclusionProof,
      canonicalizedBody: canonicalizedBody.toString("base64"),
    };
  }

  /** An entry in the form of Rekor 2: its name is the origin of the checkpoint, and it has no time. */
  function recordV2(dsseV002: object) {
    const canonicalizedBody = Buffer.from(
      canonicalJson({ kind: "dsse", apiVersion: "0.0.2", spec: { dsseV002 } }),
    );
    return {
      logIndex: "1",
      logId: { keyId: logId.toString("base64") },
      kindVersion: { kind: "dsse", version: "0.0.2" },
      inclusionProof: prove(canonicalizedBody, LOG_HOST, LOG_HOST),
      canonicalizedBody: canonicalizedBody.toString("base64"),
    };
  }

  return {
    issue,
    record,
    recordV2,
    /** The log of certificates, as a member of `ctlogs` in a trusted root. */
    certificateLog: certificateLogs.own.trusted,

    /** The content of `trusted-root.json`, in which a test may replace members. */
    trustedRoot(change: object = {}): string {
      const validFor = { start: "2020-01-01T00:00:00Z" };
      return JSON.stringify({
        mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
        tlogs: [
          {
            baseUrl: `https://${LOG_HOST}`,
            hashAlgorithm: "SHA2_256",
            publicKey: {
              rawBytes: derOf(log.publicKey).toString("base64"),
              keyDetails: "PKIX_ECDSA_P256_SHA_256",
              validFor,
            },
            logId: { keyId: logId.toString("base64") },
          },
        ],
        certificateAuthorities: [
          {
            uri: "https://fulcio.test",
            certChain: {
              certificates: [{ rawBytes: Buffer.from(ca.certificate.rawData).toString("base64") }],
            },
            validFor,
          },
        ],
        ctlogs: [],
        timestampAuthorities: [],
        ...change,
      });
    },

    /** A bundle as `cosign sign` makes it, with the statement as its payload. */
    async bundle(payload: Buffer, options: KeylessOptions = {}) {
      const { der, privateKey, recordedAt } = await certify(options);
      const signed = keyBundle(payload, (message) => sign("sha256", message, privateKey));
      const [signature] = signed.dsseEnvelope.signatures;
      const entry = record(
        {
          apiVersion: "0.0.1",
          kind: "dsse",
          spec: {
            payloadHash: { algorithm: "sha256", value: sha256(payload).toString("hex") },
            signatures: [{ signature: signature?.sig, verifier: der.toString("base64") }],
          },
        },
        recordedAt,
        options.logName,
      );
      return {
        ...signed,
        verificationMaterial: { certificate: { rawBytes: der.toString("base64") }, tlogEntries: [entry] },
      };
    },

    /** The annotations of a layer in cosign's classic format, whose blob is the payload. */
    async annotations(payload: Buffer, options: KeylessOptions = {}): Promise<Record<string, string>> {
      const { der, privateKey, recordedAt } = await certify(options);
      const pem = new X509Certificate(der).toString();
      const signature = sign("sha256", payload, privateKey).toString("base64");
      const entry = record(
        {
          apiVersion: "0.0.1",
          kind: "hashedrekord",
          spec: {
            data: { hash: { algorithm: "sha256", value: sha256(payload).toString("hex") } },
            signature: { content: signature, publicKey: { content: Buffer.from(pem).toString("base64") } },
          },
        },
        recordedAt,
      );
      return {
        "dev.cosignproject.cosign/signature": signature,
        "dev.sigstore.cosign/certificate": pem,
        "dev.sigstore.cosign/bundle": JSON.stringify({
          SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
          Payload: {
            body: entry.canonicalizedBody,
            integratedTime: Number(entry.integratedTime),
            logIndex: 1,
            logID: logId.toString("hex"),
          },
        }),
      };
    },
  };
}
