import { createPrivateKey, generateKeyPairSync, randomBytes, webcrypto } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
// The dependency-injection container of @peculiar/x509 requires it.
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
const valid = () => ({ notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + DAY_MS) });

export interface CertificateAndKey {
  cert: string;
  key: string;
}

export interface ClusterAuthority {
  caPem: string;
  /** A client certificate of a user, as kubeadm issues them. */
  client(user: string, groups?: readonly string[]): Promise<CertificateAndKey>;
  server(commonName: string, hosts: readonly string[]): Promise<CertificateAndKey>;
}

/** The cluster's certificate authority. It lives as long as the process. */
export async function createClusterAuthority(): Promise<ClusterAuthority> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...valid(),
    name: "CN=kubernetes",
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
    extensions: x509.Extension[],
  ): Promise<CertificateAndKey> {
    const own = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...valid(),
      serialNumber: `00${randomBytes(8).toString("hex")}`,
      subject,
      issuer: ca.subject,
      publicKey: own.publicKey as never,
      signingKey: keys.privateKey as never,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.ExtendedKeyUsageExtension([purpose]), ...extensions],
    });
    const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", own.privateKey));
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    return {
      cert: certificate.toString("pem"),
      key: key.export({ type: "pkcs8", format: "pem" }) as string,
    };
  }

  return {
    caPem: ca.toString("pem"),
    client: (user, groups = []) =>
      issue(
        [...groups.map((group) => ({ O: [group] })), { CN: [user] }],
        x509.ExtendedKeyUsage.clientAuth,
        [],
      ),
    server: (commonName, hosts) =>
      issue([{ CN: [commonName] }], x509.ExtendedKeyUsage.serverAuth, [
        new x509.SubjectAlternativeNameExtension(
          hosts.map((value) => ({ type: /^[\d.]+$/.test(value) ? "ip" : "dns", value })),
        ),
      ]),
  };
}

const newKeys = () => webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);

/** A kubeconfig of one user. */
export function kubeconfigOf(caPem: string, server: string, { cert, key }: CertificateAndKey): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "node", cluster: { server, "certificate-authority-data": base64(caPem) } }],
    users: [
      { name: "user", user: { "client-certificate-data": base64(cert), "client-key-data": base64(key) } },
    ],
    contexts: [{ name: "node", context: { cluster: "node", user: "user" } }],
    "current-context": "node",
  });
}

/** Writes the certificates and keys that the node's API server uses. */
export async function writeServerFiles(
  folder: string,
  authority: ClusterAuthority,
  hosts: readonly string[],
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o600 });
  const apiserver = await authority.server("kube-apiserver", hosts);
  const kubeletClient = await authority.client("kube-apiserver-kubelet-client", ["kubeadm:cluster-admins"]);
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  write("ca.crt", authority.caPem);
  write("apiserver.crt", apiserver.cert);
  write("apiserver.key", apiserver.key);
  write("kubelet-client.crt", kubeletClient.cert);
  write("kubelet-client.key", kubeletClient.key);
  write("service-account.key", privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  write("service-account.pub", publicKey.export({ type: "spki", format: "pem" }) as string);
}
