import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseTrust } from "../../../src/admission/trust-file.ts";
import { NO_TRUST } from "../../../src/admission/trust-policy.ts";
import { createSigstore } from "../../support/builder/sigstore.ts";

const pemOf = (key: KeyObject) => key.export({ type: "spki", format: "pem" }).toString();
const PEM = pemOf(generateKeyPairSync("ed25519").publicKey);
const [sigstore, otherSigstore] = [await createSigstore(), await createSigstore()];
const read = (text: string) => parseTrust({ "trust.yaml": text });

describe("parseTrust", () => {
  it("reads keys, keyless signers, and registries", () => {
    const text = `
trust:
  - publicKey: ${JSON.stringify(PEM)}
  - keyless: { issuer: "https://issuer.test", identity: "ci@shop.test" }
allowedRegistries: [registry.test, "registry.test:5000/team/"]
insecureRegistries: ["registry.test:5000"]
`;
    expect(read(text).problems).toEqual([]);
    expect(read(text).trust).toEqual({
      entries: [{ publicKey: PEM }, { keyless: { issuer: "https://issuer.test", identity: "ci@shop.test" } }],
      allowedRegistries: [
        { host: "registry.test", segments: [] },
        { host: "registry.test:5000", segments: ["team"] },
      ],
      insecureRegistries: ["registry.test:5000"],
    });
  });

  it.each(["", "# only a comment", "{}"])("reads %j as no trust", (text) =>
    expect(read(text)).toEqual({ trust: NO_TRUST, problems: [] }),
  );

  it.each([
    ["[]", "trust.yaml must be a map"],
    ["text", "trust.yaml must be a map"],
    [
      "allowedRegistry: []",
      "allowedRegistry is not a field of trust.yaml: use trust, allowedRegistries and insecureRegistries",
    ],
    ["trust: [{publicKey: PEM}]\ntrust: []", "the key trust is there twice"],
    [`# ${"x".repeat(131_072)}`, "must have at most 131072 characters"],
    ["trust: {}", "trust must be a list"],
    ["trust: [PEM]", "trust[0] must have either publicKey, or keyless with issuer and identity"],
    ["trust: [{}]", "trust[0] must have either publicKey, or keyless with issuer and identity"],
    [
      "trust: [{publicKey: PEM}, {publicKey: 1}]",
      "trust[1] must have either publicKey, or keyless with issuer and identity",
    ],
    [
      "trust: [{publicKey: PEM, keyless: {issuer: a, identity: b}}]",
      "trust[0] must have either publicKey, or keyless with issuer and identity",
    ],
    ["trust: [{keyless: a}]", "trust[0] must have either publicKey, or keyless with issuer and identity"],
    [
      "trust: [{keyless: {issuer: a}}]",
      "trust[0] must have either publicKey, or keyless with issuer and identity",
    ],
    [
      "trust: [{keyless: {identity: a}}]",
      "trust[0] must have either publicKey, or keyless with issuer and identity",
    ],
    ["allowedRegistries: registry.test", "allowedRegistries must be a list of texts that are not empty"],
    ["allowedRegistries: [1]", "allowedRegistries must be a list of texts that are not empty"],
    ["insecureRegistries: ['']", "insecureRegistries must be a list of texts that are not empty"],
    [
      "allowedRegistries: [registry.test, nginx]",
      "allowedRegistries[1] must be host or host/path, in lower case, with a dot or a port in the host",
    ],
  ])("refuses %s", (text, problem) => expect(() => read(text)).toThrow(new Error(problem)));

  const NO_PEM = "must be a public key in PEM: paste the file cosign.pub, from -----BEGIN PUBLIC KEY-----";
  const NO_KIND = "must be ECDSA P-256 or P-384, RSA of at least 2048 bits, or Ed25519: sign with such a key";
  const privatePem = generateKeyPairSync("ed25519")
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  it.each([
    ["a text that is no key", "cosign.pub", NO_PEM],
    ["a key with a character too many", PEM.replace("\n", "\nA"), NO_PEM],
    ["a private key", privatePem, NO_PEM],
    ["P-521", pemOf(generateKeyPairSync("ec", { namedCurve: "P-521" }).publicKey), NO_KIND],
    ["secp256k1", pemOf(generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey), NO_KIND],
    ["RSA of 1024 bits", pemOf(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey), NO_KIND],
    ["X25519", pemOf(generateKeyPairSync("x25519").publicKey), NO_KIND],
  ])("names an entry with %s, leaves it out, and keeps the rest", (_, publicKey, problem) => {
    const text = JSON.stringify({
      trust: [{ publicKey: PEM }, { publicKey }],
      allowedRegistries: ["a.test"],
    });
    expect(read(text)).toEqual({
      trust: {
        ...NO_TRUST,
        entries: [{ publicKey: PEM }],
        allowedRegistries: [{ host: "a.test", segments: [] }],
      },
      problems: [`trust[1].publicKey ${problem}`],
    });
  });

  it.each([
    ["ECDSA P-256", generateKeyPairSync("ec", { namedCurve: "P-256" })],
    ["ECDSA P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
    ["RSA of 2048 bits", generateKeyPairSync("rsa", { modulusLength: 2048 })],
    ["Ed25519", generateKeyPairSync("ed25519")],
  ])("reads a key of the kind %s", (_, { publicKey }) => {
    const entry = { publicKey: pemOf(publicKey) };
    expect(read(JSON.stringify({ trust: [entry] }))).toEqual({
      trust: { ...NO_TRUST, entries: [entry] },
      problems: [],
    });
  });

  it("reads the trusted root beside the trust, and distinguishes roots", () => {
    const root = sigstore.trustedRoot();
    const other = otherSigstore.trustedRoot();
    const parse = (text: string) => parseTrust({ "trusted-root.json": text }).trust.trustedRoot;
    expect(parse(root)?.digest).toMatch(/^sha256:/);
    expect(parse(root)?.digest).toBe(parse(root)?.digest);
    expect(parse(root)?.digest).not.toBe(parse(other)?.digest);
  });

  const FORM = "must be a Sigstore trusted root in JSON: make one with cosign trusted-root create";
  it.each([
    ["[]", FORM],
    ["{", FORM],
    ['{"tlogs":[{}]}', FORM],
    ["{}", "must have certificateAuthorities: add the certificates of your Fulcio"],
    [sigstore.trustedRoot({ tlogs: [] }), "must have tlogs: add the key of your Rekor log"],
  ])("names a trusted root %s that is not one, and keeps the rest", (root, problem) => {
    const text = "allowedRegistries: [a.test]";
    expect(parseTrust({ "trust.yaml": text, "trusted-root.json": root })).toEqual({
      trust: { ...NO_TRUST, allowedRegistries: [{ host: "a.test", segments: [] }] },
      problems: [`trusted-root.json ${problem}`],
    });
  });
});
