import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { issueCertificates } from "../../../../src/admission/certificate/certificate.ts";

describe("issueCertificates", () => {
  it("backdates both certificates by an hour, for API servers whose clock is behind", async () => {
    const now = new Date("2026-11-29T12:00:00Z");
    const { caCertificate, certificate } = await issueCertificates(["a.example"], now);
    for (const pem of [caCertificate, certificate])
      expect(new Date(new X509Certificate(pem).validFrom).toISOString()).toBe("2026-11-29T11:00:00.000Z");
  });
});
