import { describe, expect, it } from "vitest";
import { isBelow, parseReference, parseRepositoryPrefix } from "../../../../src/admission/rules/reference.ts";

const DIGEST = `sha256:${"0a".repeat(32)}`;
const LONGEST = `registry.example/${"a".repeat(512 - 17 - 1 - DIGEST.length)}`;

describe("parseReference", () => {
  it.each([
    ["registry.example/shop", "registry.example", "shop"],
    ["registry.example/team/web-shop", "registry.example", "team/web-shop"],
    ["registry.example:5000/shop", "registry.example:5000", "shop"],
    ["localhost:5000/shop", "localhost:5000", "shop"],
    ["registry.example:65535/shop", "registry.example:65535", "shop"],
    ["127.0.0.1:5000/shop", "127.0.0.1:5000", "shop"],
    ["a-b.example/a.b/c_d/e__f/g--h/0", "a-b.example", "a.b/c_d/e__f/g--h/0"],
    ["registry.example/shop:1.0.0", "registry.example", "shop"],
    ["a.b/shop", "a.b", "shop"],
    ["registry.example", "docker.io", "library/registry.example"],
    ["registry.example/localhost/shop", "registry.example", "localhost/shop"],
    ["ab.cd:1/shop", "ab.cd:1", "shop"],
    ["registry.example:5000/shop:V1_x.y-z", "registry.example:5000", "shop"],
    ["nginx", "docker.io", "library/nginx"],
    ["nginx:1", "docker.io", "library/nginx"],
    ["team/shop", "docker.io", "team/shop"],
    ["docker.io/nginx", "docker.io", "library/nginx"],
    ["docker.io/team/shop", "docker.io", "team/shop"],
    ["localhost", "docker.io", "library/localhost"],
    [LONGEST, "registry.example", LONGEST.slice("registry.example/".length)],
  ])("reads %s as a repository of its host", (name, host, repository) => {
    expect(parseReference(`${name}@${DIGEST}`)).toEqual({ kind: "pinned", host, repository, digest: DIGEST });
  });

  it.each([
    "",
    "nginx",
    "registry.example/shop:1.0.0",
    "registry.example/shop@",
    "registry.example/shop@sha256:abc",
    `registry.example/shop@${DIGEST.toUpperCase()}`,
    `registry.example/shop@${DIGEST}0`,
    `registry.example/shop@sha512:${"0a".repeat(64)}`,
    `registry.example/shop@${DIGEST}@${DIGEST}`,
    `registry.example/shop@x${DIGEST}`,
  ])("refuses %j: it has no digest", (text) => {
    expect(parseReference(text)).toEqual({
      kind: "invalid",
      problem: `${text || "(empty)"} has no digest; write repository@sha256:<64 hex>`,
    });
  });

  it.each([
    "",
    "/shop",
    "registry.example/",
    "registry.example//shop",
    "registry.example/shop/",
    "registry.example/../shop",
    "registry.example/allowed/../shop",
    "registry.example/./shop",
    "registry.example/a..b",
    "registry.example/-shop",
    "registry.example/shop-",
    "registry.example/a___b",
    "registry.example/Shop",
    "Registry.example/shop",
    "registry.example./shop",
    ".example/shop",
    "-registry.example/shop",
    "registry-.example/shop",
    "registry_x.example/shop",
    "registry.example:/shop",
    "registry.example:port/shop",
    "registry.example:123456/shop",
    "user:password/shop",
    "https://registry.example/shop",
    "[::1]:5000/shop",
    "registry.example:65536/shop",
    "registry.example:99999/shop",
    "registry.example:/shop",
    "registry.example:0x50/shop",
    "localhost/shop",
    "registry.example/sh op",
    "registry.example/shop:",
    "registry.example/shop:.x",
    `registry.example/shop:${"a".repeat(129)}`,
    "registry.example/shop\n",
    "registry.example/%2e%2e/shop",
    `${LONGEST}a`,
  ])("refuses %j with a digest: it is not a valid name", (name) => {
    expect(parseReference(`${name}@${DIGEST}`)).toEqual({
      kind: "invalid",
      problem: `${name}@${DIGEST} is not a valid reference; write host/repository@sha256:<64 hex>, in lower case and without "." or ".." segments`,
    });
  });
});

describe("parseRepositoryPrefix", () => {
  it.each([
    ["registry.example", "registry.example", []],
    ["registry.example/", "registry.example", []],
    ["registry.example:5000/team", "registry.example:5000", ["team"]],
    ["localhost:5000/team/shop/", "localhost:5000", ["team", "shop"]],
    ["docker.io/library", "docker.io", ["library"]],
    [`registry.example/${"a".repeat(495)}`, "registry.example", ["a".repeat(495)]],
  ])("reads %s", (text, host, segments) => {
    expect(parseRepositoryPrefix(text)).toEqual({ host, segments });
  });

  it.each([
    "",
    "/",
    "registry",
    "team/shop",
    "localhost/team",
    "Registry.example",
    "registry.example/Team",
    "registry.example/..",
    "registry.example//",
    "https://registry.example",
    "registry.example/team:1",
    "registry.example:/team",
    `registry.example/${"a".repeat(496)}`,
  ])("refuses %j", (text) => expect(parseRepositoryPrefix(text)).toBeUndefined());
});

describe("isBelow", () => {
  it.each([
    ["registry.example", "registry.example/shop", true],
    ["registry.example/team", "registry.example/team/shop", true],
    ["registry.example/team", "registry.example/team", true],
    ["registry.example/team", "registry.example/team-not/shop", false],
    ["registry.example/team", "registry.example/teams", false],
    ["registry.example/team/shop", "registry.example/team", false],
    ["registry.example/team", "registry.example/other/team", false],
    ["registry.example", "registry.example.evil/shop", false],
    ["registry.example", "evil.registry.example/shop", false],
    ["registry.example", "registry.example:443/shop", false],
    ["registry.example:5000", "registry.example/shop", false],
    ["registry.example:5000", "registry.example:50000/shop", false],
    ["docker.io/library", "nginx", true],
    ["docker.io/nginx", "nginx", false],
    ["docker.io", "team/shop", true],
  ])("%s holds %s: %s", (prefix, name, expected) => {
    const reference = parseReference(`${name}@${DIGEST}`);
    const parsed = parseRepositoryPrefix(prefix);
    if (reference.kind !== "pinned" || parsed === undefined) throw new Error("the row does not parse");
    expect(isBelow(reference, parsed)).toBe(expected);
  });
});
