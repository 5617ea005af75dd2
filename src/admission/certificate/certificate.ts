import { createPrivateKey, webcrypto, X509Certificate } from "node:crypto";
// @peculiar/x509 needs reflect-metadata to be loaded first.
import "reflect-metadata";

import * as x509 from "@peculiar/x509";
import { authoritiesOf, hasAuthority, joinAuthorities } from "./bundle.ts";

/** PEM texts; keys are PKCS#8. `caBundle` holds the current CA and, for a while after a change, the earlier ones. */
export interface ServingCertificates {
  caBundle: string;
  caCertificate: string;
  caKey: string;
  certificate: string;
  key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate is valid from an hour ago: the clock of an API server may be behind by minutes. */
const BACKDATED_MS = 60 * 60_000;
const CA_DAYS = 3650;
const SERVING_DAYS = 365;
/** A certificate is renewed this long before it expires, so that there is a month to notice failed renewals. */
const RENEW_BEFORE_DAYS = 30;

/**
 * A certificate for these names and addresses. The CA of `previous` signs it, or a new CA when that one is missing or
 * expires soon. `earlier` are CAs under which other replicas may still serve: they stay in the bundle.
 */
export async function issueCertificates(
  names: readonly string[],
  now: Date,
  previous?: ServingCertificates,
  earlier: readonly string[] = [],
): Promise<ServingCertificates> {
  const ca =
    previous !== undefined && !endsWithin(previous.caCertificate, RENEW_BEFORE_DAYS + SERVING_DAYS, now)
      ? await loadAuthority(previous)
      : await createAuthority(now);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const serving = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=catalyst-operator-webhook",
    issuer: ca.certificate.subject,
    notBefore: new Date(now.getTime() - BACKDATED_MS),
    notAfter: new Date(now.getTime() + SERVING_DAYS * DAY_MS),
    publicKey: keys.publicKey as never,
    signingKey: ca.privateKey as never,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.SubjectAlternativeNameExtension(
        names.map(
          (name) => ({ type: /^[\d.]+$|:/.test(name) ? "ip" : "dns", value: name }) as x509.JsonGeneralName,
        ),
      ),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(["1.3.6.1.5.5.7.3.1"]),
      await x509.AuthorityKeyIdentifierExtension.create(ca.certificate.publicKey),
    ],
  });
  const caCertificate = ca.certificate.toString("pem");
  return {
    caBundle: joinAuthorities([caCertificate, previous?.caBundle ?? "", ...earlier], now),
    caCertificate,
    caKey: ca.keyPem,
    certificate: serving.toString("pem"),
    key: await exportKey(keys.privateKey),
  };
}

/** Whether a new certificate is due: this one expires soon, or lacks one of these names. */
export function isDue({ certificate }: ServingCertificates, names: readonly string[], now: Date): boolean {
  const extension = new x509.X509Certificate(certificate).getExtension(x509.SubjectAlternativeNameExtension);
  const present = new Set(extension?.names.items.map(({ value }) => value));
  return names.some((name) => !present.has(name)) || endsWithin(certificate, RENEW_BEFORE_DAYS, now);
}

/**
 * The stored certificates if they can serve: every part is present and readable, each key belongs to its certificate, and
 * the CA issued the serving certificate and is in the bundle. Undefined otherwise.
 */
export function usableCertificates(
  stored: Partial<Record<keyof ServingCertificates, string>>,
): ServingCertificates | undefined {
  const { caBundle, caCertificate, caKey, certificate, key } = stored;
  if (!caBundle || !caCertificate || !caKey || !certificate || !key) return undefined;
  try {
    const [ca, leaf] = [new X509Certificate(caCertificate), new X509Certificate(certificate)];
    const isUsable =
      leaf.checkIssued(ca) &&
      leaf.verify(ca.publicKey) &&
      ca.checkPrivateKey(createPrivateKey(caKey)) &&
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      hasAuthority(authoritiesOf(caBundle), caCertificate);
    return isUsable ? { caBundle, caCertificate, caKey, certificate, key } : undefined;
  } catch {
    return undefined;
  }
}

function endsWithin(certificatePem: string, days: number, now: Date): boolean {
  return new x509.X509Certificate(certificatePem).notAfter.getTime() - now.getTime() < days * DAY_MS;
}

interface Authority {
  certificate: x509.X509Certificate;
  privateKey: webcrypto.CryptoKey;
  keyPem: string;
}

async function createAuthority(now: Date): Promise<Authority> {
  const serial = serialNumber();
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    // OpenSSL finds a CA by its name and tries only one, so two CAs in a bundle must not share a name.
    name: `CN=catalyst-operator-webhook-ca ${serial.slice(2, 10)}`,
    notBefore: new Date(now.getTime() - BACKDATED_MS),
    notAfter: new Date(now.getTime() + CA_DAYS * DAY_MS),
    keys: keys as never,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });
  return { certificate, privateKey: keys.privateKey, keyPem: await exportKey(keys.privateKey) };
}

async function loadAuthority({ caCertificate, caKey }: ServingCertificates): Promise<Authority> {
  const der = Buffer.from(caKey.replaceAll(/-----[A-Z ]+-----|\s/g, ""), "base64");
  const privateKey = await webcrypto.subtle.importKey("pkcs8", der, ALGORITHM, true, ["sign"]);
  return { certificate: new x509.X509Certificate(caCertificate), privateKey, keyPem: caKey };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  return `-----BEGIN PRIVATE KEY-----\n${der.match(/.{1,64}/g)?.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

const serialNumber = () => `00${Buffer.from(webcrypto.getRandomValues(new Uint8Array(15))).toString("hex")}`;
