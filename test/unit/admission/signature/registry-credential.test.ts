import { describe, expect, it } from "vitest";
import { findCredential, parsePullSecret } from "../../../../src/admission/signature/registry-credential.ts";

const auth = (username: string, password: string) => ({
  auth: Buffer.from(`${username}:${password}`).toString("base64"),
});
const secret = (auths: object) => parsePullSecret(JSON.stringify({ auths }));

describe("a pull secret", () => {
  const entries = secret({
    "registry.test": auth("host", "a:b"),
    "https://registry.test/team": { username: "team", password: "c" },
    "REGISTRY.test:5000": auth("port", "d"),
    "https://index.docker.io/v1/": auth("docker", "e"),
    "http://plain.test/v2/": auth("plain", "f"),
    "broken.test": { auth: "!" },
    "empty.test": {},
  });

  it.each([
    ["the host", "registry.test", "shop", { username: "host", password: "a:b" }],
    ["the longest path", "registry.test", "team/shop", { username: "team", password: "c" }],
    [
      "the host for a path that only begins so",
      "registry.test",
      "team-b/shop",
      { username: "host", password: "a:b" },
    ],
    ["a port", "registry.test:5000", "shop", { username: "port", password: "d" }],
    ["Docker Hub", "docker.io", "library/nginx", { username: "docker", password: "e" }],
  ])("gives the credential of %s", (_, host, repository, expected) => {
    expect(findCredential(entries, host, repository)).toEqual(expected);
  });

  it.each([
    ["another port", "registry.test:5001"],
    ["a host that only ends so", "evil-registry.test"],
    ["a host that only begins so", "registry.test.evil.test"],
    ["a path that is not the repository's", "plain.test"],
    ["an entry without a user", "broken.test"],
    ["an empty entry", "empty.test"],
  ])("gives none for %s", (_, host) => {
    expect(findCredential(entries, host, "shop")).toBeUndefined();
  });

  it("refuses a pull secret without auths", () => {
    for (const text of ["{}", "[]", '{"auths":[]}'])
      expect(() => parsePullSecret(text)).toThrow("a pull secret must have auths");
  });
});
