import { beforeAll, describe, expect, it, vi } from "vitest";
import { authoritiesOf } from "../../../../src/admission/certificate/bundle.ts";
import {
  issueCertificates,
  type ServingCertificates,
} from "../../../../src/admission/certificate/certificate.ts";
import { type CertificateFiles, createCertificateFiles } from "../../../../src/admission/certificate/file.ts";
import { eventually } from "../../../support/wait.ts";

const HOST = "catalyst-operator-webhook.catalyst-system.svc";
const NOW = new Date();
const YEARS_MS = 2 * 365 * 24 * 60 * 60 * 1000;
let first: ServingCertificates;
let second: ServingCertificates;

beforeAll(async () => {
  first = await issueCertificates([HOST, "127.0.0.1"], NOW);
  second = await issueCertificates([HOST], NOW);
});

const filesOf = ({ certificate, key, caCertificate }: ServingCertificates): CertificateFiles => ({
  ...{ certificate, key, authority: caCertificate },
});
const sourceOf = (
  read: () => Promise<CertificateFiles>,
  { names = [HOST], published = [] as string[], now = () => NOW, pollMs = 10 } = {},
) =>
  createCertificateFiles({
    ...{ read, names, now, pollMs },
    published: { current: () => authoritiesOf(...published), onChange: () => {} },
  });
const inBundle = (bundle: string) => authoritiesOf(bundle).map(({ fingerprint256 }) => fingerprint256);

describe("createCertificateFiles", () => {
  it("reads the pair and its CA", async () => {
    const { caBundle, caCertificate, certificate, key } = await sourceOf(async () => filesOf(first)).current(
      [],
    );
    expect({ certificate, key }).toEqual({ certificate: first.certificate, key: first.key });
    expect(inBundle(caCertificate)).toEqual(inBundle(first.caCertificate));
    expect(inBundle(caBundle)).toEqual(inBundle(first.caCertificate));
  });

  it("accepts a name that is an address", async () => {
    await sourceOf(async () => filesOf(first), { names: ["127.0.0.1"] }).current([]);
  });

  it("finds the CA among several, and puts it first", async () => {
    const authority = second.caCertificate + first.caCertificate;
    const { caBundle, caCertificate } = await sourceOf(async () => ({
      ...filesOf(first),
      authority,
    })).current([]);
    expect(inBundle(caCertificate)).toEqual(inBundle(first.caCertificate));
    expect(inBundle(caBundle)).toEqual(inBundle(first.caCertificate + second.caCertificate));
  });

  it("keeps earlier CAs in the bundle, and those that were published before the start for a day", async () => {
    let now = NOW;
    const source = sourceOf(async () => filesOf(second), {
      published: [first.caCertificate],
      now: () => now,
    });
    expect(inBundle((await source.current([])).caBundle)).toEqual(
      inBundle(second.caCertificate + first.caCertificate),
    );
    now = new Date(NOW.getTime() + 25 * 60 * 60 * 1000);
    expect(inBundle((await source.current([])).caBundle)).toEqual(inBundle(second.caCertificate));
    expect(inBundle((await source.current([first.caBundle])).caBundle)).toEqual(
      inBundle(second.caCertificate + first.caCertificate),
    );
  });

  it.each<[string, () => CertificateFiles, string]>([
    ["no certificate", () => ({ ...filesOf(first), certificate: "" }), "tls.crt has no certificate"],
    [
      "the key of another certificate",
      () => ({ ...filesOf(first), key: second.key }),
      "tls.key is not the key",
    ],
    ["a key that cannot be read", () => ({ ...filesOf(first), key: "x" }), "tls.key is not the key"],
    [
      "the CA of another certificate",
      () => ({ ...filesOf(first), authority: second.caCertificate }),
      "ca.crt does not hold the CA",
    ],
    [
      "no CA for a certificate that does not sign itself",
      () => ({ ...filesOf(first), authority: "" }),
      "ca.crt does not hold the CA",
    ],
  ])("refuses %s", async (_, files, problem) => {
    await expect(sourceOf(async () => files()).current([])).rejects.toThrow(problem);
  });

  it("refuses a certificate that lacks a name, or has expired", async () => {
    const read = async () => filesOf(first);
    await expect(sourceOf(read, { names: ["other.example"] }).current([])).rejects.toThrow(
      "tls.crt lacks the names other.example: issue a certificate for them",
    );
    const later = new Date(NOW.getTime() + YEARS_MS);
    await expect(sourceOf(read, { now: () => later }).current([])).rejects.toThrow("tls.crt expired at");
  });

  it("reports a change of the files, and neither their absence nor what it read itself", async () => {
    let read = async () => filesOf(first);
    const source = sourceOf(() => read());
    const stop = new AbortController();
    const changed = vi.fn();
    await source.current([]);
    source.onChange(changed, stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 50));
    read = () => Promise.reject(new Error("no such file"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(changed).not.toHaveBeenCalled();
    read = async () => filesOf(second);
    await eventually(() => expect(changed).toHaveBeenCalled());
    stop.abort();
  });
});
