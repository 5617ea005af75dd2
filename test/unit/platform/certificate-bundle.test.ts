import { beforeAll, describe, expect, it } from "vitest";
import { parseCertificateBundle } from "../../../src/platform/certificate-bundle.ts";
import { createCertificateAuthority } from "../../support/builder/certificate-authority.ts";

const NOTHING_ELSE = "be one or more certificates in PEM, and nothing else";
const unreadable = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n`;
let pem: string;
let key: string;

beforeAll(async () => {
  const authority = await createCertificateAuthority("one");
  pem = `${authority.pem}\n`;
  ({ key } = await authority.client("salma"));
});

describe("parseCertificateBundle", () => {
  it("keeps every certificate, and leaves out the text between them", () => {
    const bundle = parseCertificateBundle(`# first\r\n${pem.replaceAll("\n", "\r\n")}# second\n${pem}`);
    expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(bundle).not.toContain("#");
    expect(parseCertificateBundle(bundle)).toBe(bundle);
  });

  it.each([
    ["an empty text", () => "", NOTHING_ELSE],
    ["a text without a certificate", () => "hello", NOTHING_ELSE],
    ["a private key", () => key, NOTHING_ELSE],
    ["a private key beside a certificate", () => pem + key, NOTHING_ELSE],
    ["a certificate that is cut off", () => pem.slice(0, -30), NOTHING_ELSE],
    [
      "a certificate that cannot be read",
      () => pem + unreadable("AAAA"),
      "be certificates in PEM that can be read",
    ],
    ["more than 256 KiB", () => pem + " ".repeat(256 * 1024), "have at most 256 KiB"],
  ])("refuses %s", (_what, text, message) => {
    expect(() => parseCertificateBundle(text())).toThrow(new Error(message));
  });
});
