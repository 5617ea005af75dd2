import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { isOlder } from "../../../src/kube/version.ts";

const at = (resourceVersion: string | undefined, uid = "u"): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "a", uid, ...(resourceVersion === undefined ? {} : { resourceVersion }) },
});

describe("isOlder", () => {
  it.each<[string, KubernetesObject, KubernetesObject, boolean]>([
    ["a smaller version", at("9"), at("10"), true],
    ["an equal version", at("10"), at("10"), false],
    ["a greater version", at("10"), at("9"), false],
    [
      "a version beyond the exact numbers of JavaScript",
      at("9007199254740993"),
      at("9007199254740994"),
      true,
    ],
    ["another object of the same name", at("9", "v"), at("10"), false],
    ["no version", at(undefined), at("1"), true],
    ["a version that is no number", at("abc"), at("1"), true],
    ["against no version", at("1"), at(undefined), false],
  ])("compares %s", (_, a, b, expected) => {
    expect(isOlder(a, b)).toBe(expected);
  });
});
