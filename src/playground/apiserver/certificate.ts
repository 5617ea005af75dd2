import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  webcrypto,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// The dependency-injection container of @peculiar/x509 requires it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const YEARS_MS = 10 * 365 * DAY_MS;
const RENEW_WITHIN_MS = 30 * DAY_MS;

interface CertificateAndKey {
  certPem: string;
  keyPem: string;
}

export interface Pki {
  caPem: string;
  server: CertificateAndKey;
  /** `kubernetes-admin` of the group `system:masters`. */
  admin: CertificateAndKey;
  serviceAccountKey: { privateKey: KeyObject; publicKey: KeyObject };
}

export interface PkiDeps {
  /** The keys are stored here, readable only by their owner, so that kubeconfigs stay valid after a restart. */
  directory: string;
  /** Additional addresses and names of the server, for its certificate. */
  hosts: readonly string[];
  now: () => Date;
}

/** The server's certificate authority and the certificates that it signed. They are created at the first start and kept. */
export async function openPki({ directory, hosts, now }: PkiDeps): Promise<Pki> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const at = (name: string) => join(directory, name);
  const write = (name: string, text: string) => writeFileSync(at(name), text, { mode: 0o600 });
  const read = (name: string) => readFileSync(at(name), "utf8");

  async function keep(name: string, make: () => Promise<CertificateAndKey>): Promise<CertificateAndKey> {
    if (existsSync(at(`${name}.crt`)) && existsSync(at(`${name}.key`))) {
      const kept = { certPem: read(`${name}.crt`), keyPem: read(`${name}.key`) };
      const { notAfter } = new x509.X509Certificate(kept.certPem);
      if (notAfter.getTime() - now().getTime() > RENEW_WITHIN_MS) return kept;
    }
    const made = await make();
    write(`${name}.key`, made.keyPem);
    write(`${name}.crt`, made.certPem);
    return made;
  }

  const ca = await keep("ca", () => makeCa(now()));
  const server = await keep("server", () => issue(ca, now(), { commonName: "kube-apiserver", hosts }));
  const admin = await keep("admin", () =>
    issue(ca, now(), { commonName: "kubernetes-admin", organization: "system:masters" }),
  );
  if (!existsSync(at("sa.key"))) {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    write("sa.key", privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  }
  const privateKey = createPrivateKey(read("sa.key"));
  return {
    caPem: ca.certPem,
    server,
    admin,
    serviceAccountKey: { privateKey, publicKey: createPublicKey(privateKey) },
  };
}

async function makeCa(from: Date): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=kube-apiserver-lite-ca",
    notBefore: new Date(from.getTime() - 60_000),
    notAfter: new Date(from.getTime() + YEARS_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as unknown as CryptoKey),
    ],
  });
  return { certPem: certificate.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

const SERVICE_NAMES = [
  "localhost",
  "kubernetes",
  "kubernetes.default",
  "kubernetes.default.svc",
  "kubernetes.default.svc.cluster.local",
];

async function issue(
  ca: CertificateAndKey,
  from: Date,
  subject: { commonName: string; organization?: string; hosts?: readonly string[] },
): Promise<CertificateAndKey> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = new x509.X509Certificate(ca.certPem);
  const signingKey = await webcrypto.subtle.importKey(
    "pkcs8",
    createPrivateKey(ca.keyPem).export({ type: "pkcs8", format: "der" }),
    ALGORITHM,
    false,
    ["sign"],
  );
  const names =
    subject.hosts === undefined ? [] : [...new Set([...subject.hosts, "127.0.0.1", ...SERVICE_NAMES])];
  const purpose =
    subject.hosts === undefined ? x509.ExtendedKeyUsage.clientAuth : x509.ExtendedKeyUsage.serverAuth;
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [
      ...(subject.organization === undefined ? [] : [{ O: [subject.organization] }]),
      { CN: [subject.commonName] },
    ],
    issuer: authority.subject,
    notBefore: new Date(from.getTime() - 60_000),
    notAfter: new Date(from.getTime() + YEARS_MS / 10),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey as unknown as CryptoKey,
    signingKey: signingKey as unknown as CryptoKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
      ...(names.length === 0
        ? []
        : [
            new x509.SubjectAlternativeNameExtension(
              names.map((value) => ({ type: /^[\d.]+$|:/.test(value) ? "ip" : "dns", value })),
            ),
          ]),
    ],
  });
  return { certPem: certificate.toString("pem"), keyPem: await privatePem(keys.privateKey) };
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({
    type: "pkcs8",
    format: "pem",
  }) as string;
}
