import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
// @peculiar/x509 needs reflect-metadata to be loaded first.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { ALGORITHM, serialNumber } from "./signing-authority.ts";

const DAY_MS = 86_400_000;
const valid = () => ({ notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + DAY_MS) });

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

interface CertificateAndKey {
  cert: string;
  key: string;
}

export interface CertificateAuthority {
  pem: string;
  /** A client certificate of a user, as kubeadm issues them. */
  client(user: string, groups?: readonly string[]): Promise<CertificateAndKey>;
  server(commonName: string, hosts: readonly string[]): Promise<CertificateAndKey>;
}

/** A CA that exists as long as the process. It issues certificates for clients and servers. */
export async function createCertificateAuthority(name: string): Promise<CertificateAuthority> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...valid(),
    name: `CN=${name}`,
    signingAlgorithm: ALGORITHM,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey as never),
    ],
  });

  async function issue(
    subject: x509.JsonName,
    purpose: x509.ExtendedKeyUsage,
    extensions: x509.Extension[] = [],
  ): Promise<CertificateAndKey> {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...valid(),
      serialNumber: serialNumber(),
      subject,
      issuer: ca.subject,
      publicKey: own.publicKey as never,
      signingKey: keys.privateKey as never,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.ExtendedKeyUsageExtension([purpose]), ...extensions],
    });
    const key = await webcrypto.subtle.exportKey("pkcs8", own.privateKey);
    return { cert: certificate.toString("pem"), key: x509.PemConverter.encode(key, "PRIVATE KEY") };
  }

  return {
    pem: ca.toString("pem"),
    client: (user, groups = []) =>
      issue([...groups.map((group) => ({ O: [group] })), { CN: [user] }], x509.ExtendedKeyUsage.clientAuth),
    server: (commonName, hosts) =>
      issue([{ CN: [commonName] }], x509.ExtendedKeyUsage.serverAuth, [
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
        ),
      ]),
  };
}
