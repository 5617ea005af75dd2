import { describe, expect, it } from "vitest";
import {
  coversHost,
  namespaceOfName,
  namespaceOfShortName,
  normalHost,
} from "../../../../src/admission/rules/host-name.ts";

describe("normalHost", () => {
  it.each([
    ["Shop.Example", "shop.example"],
    ["shop.example.", "shop.example"],
    ["shop.example...", "shop.example"],
    [" shop.example ", "shop.example"],
    ["shop.example:8443", "shop.example"],
    ["shop/shop.example", "shop.example"],
    ["./*.shop.example", "*.shop.example"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["XN--BCHER-KVA.example", "xn--bcher-kva.example"],
    ["shop。example", "shop.example"],
    ["ｓhop.example", "shop.example"],
    ["*.shop.example", "*.shop.example"],
    [".shop.example", ".shop.example"],
    ["~^shop", "~^shop"],
    ["a b", "a b"],
    ["", ""],
    [`${"A".repeat(254)}.example`, `${"a".repeat(254)}.example`],
  ])("reads %j as %j", (text, host) => {
    expect(normalHost(text)).toBe(host);
  });
});

describe("coversHost", () => {
  it.each([
    ["shop.example", true],
    ["*.example", true],
    ["*", true],
    ["shop.*", true],
    ["s*p.ex*e", true],
    [".shop.example", true],
    [".example", true],
    ["*.shop.example", false],
    ["hop.example", false],
    ["*.other", false],
    ["s*x*e", true],
    ["s*y*e", false],
    ["shop.example*shop.example", false],
    ["*le*le", false],
    ["", false],
  ])("compares %j with shop.example: %j", (pattern, covered) => {
    expect(coversHost(pattern, "shop.example")).toBe(covered);
  });
});

describe("namespaceOfName", () => {
  it.each([
    ["app.shop.svc", "shop"],
    ["app.shop.svc.cluster.local", "shop"],
    ["app-0.app.shop.svc.k8s.test", "shop"],
    ["10-0-0-1.shop.pod.cluster.local", "shop"],
    ["*.shop.svc.cluster.local", "shop"],
    ["*.svc.cluster.local", "*"],
    ["*.local", "*"],
    ["app.shop", undefined],
    ["svc.shop", undefined],
    ["app", undefined],
  ])("reads %j as %j", (name, namespace) => {
    expect(namespaceOfName(name)).toBe(namespace);
  });
});

describe("namespaceOfShortName", () => {
  it.each([
    ["app.shop", "shop"],
    ["app-0.app.shop", "shop"],
    ["app.shop.svc", "shop"],
    ["app", undefined],
  ])("reads %j as %j", (name, namespace) => {
    expect(namespaceOfShortName(name)).toBe(namespace);
  });
});
