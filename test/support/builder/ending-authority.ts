import { X509Certificate } from "node:crypto";
import { issueCertificates } from "../../../src/admission/certificate/certificate.ts";

/** The CA bundle of an operator's authority that ends at this time. */
export async function authorityThatEnds(at: Date): Promise<string> {
  const now = new Date();
  const { caBundle } = await issueCertificates(["a.example.org"], now);
  const lifeMs = Date.parse(new X509Certificate(caBundle).validTo) - now.getTime();
  return (await issueCertificates(["a.example.org"], new Date(at.getTime() - lifeMs))).caBundle;
}
