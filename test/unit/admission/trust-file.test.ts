import { describe, expect, it } from "vitest";
import { parseTrust } from "../../../src/admission/trust-file.ts";
import { NO_TRUST } from "../../../src/admission/trust-policy.ts";

describe("parseTrust", () => {
  it("reads keys, keyless signers, and registries", () => {
    const text = `
trust:
  - publicKey: PEM
  - keyless: { issuer: "https://issuer.test", identity: "ci@shop.test" }
allowedRegistries: [registry.test, "registry.test:5000/team/"]
insecureRegistries: ["registry.test:5000"]
`;
    expect(parseTrust(text)).toEqual({
      entries: [
        { publicKey: "PEM" },
        { keyless: { issuer: "https://issuer.test", identity: "ci@shop.test" } },
      ],
      allowedRegistries: [
        { host: "registry.test", segments: [] },
        { host: "registry.test:5000", segments: ["team"] },
      ],
      insecureRegistries: ["registry.test:5000"],
    });
  });

  it.each(["", "# only a comment", "{}"])("reads %j as no trust", (text) =>
    expect(parseTrust(text)).toEqual(NO_TRUST),
  );

  it.each([
    ["[]", "trust.yaml must be a map"],
    ["text", "trust.yaml must be a map"],
    [
      "allowedRegistry: []",
      "allowedRegistry is not a field of trust.yaml: use trust, allowedRegistries and insecureRegistries",
    ],
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
  ])("refuses %s", (text, problem) => expect(() => parseTrust(text)).toThrow(new Error(problem)));
});
