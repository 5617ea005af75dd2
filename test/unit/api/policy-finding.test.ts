import { describe, expect, it } from "vitest";
import { mergeFindings, type PolicyFinding, parseFindings } from "../../../src/api/policy-finding.ts";

const NOW_MS = Date.parse("2026-06-02T00:00:00.000Z");
const finding = (change: Partial<PolicyFinding> = {}): PolicyFinding => ({
  ...{ policy: "live", environment: "acme-prod", rule: "soak", enforcement: "Deny", count: 1 },
  ...{ lastTime: "2026-06-01T12:00:00.000Z", user: "amal", object: "pods/a", message: "no" },
  ...change,
});
const parse = (text: string) =>
  parseFindings({
    ...{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } },
    data: { "findings.json": text },
  });

describe("mergeFindings", () => {
  it("adds up findings of the same rule in the same environment, and keeps the newest request", () => {
    const newer = finding({ count: 2, lastTime: "2026-06-01T13:00:00.000Z", user: "salma" });
    const merged = [{ ...newer, count: 3 }];
    expect(mergeFindings([finding()], [newer], NOW_MS)).toEqual(merged);
    expect(mergeFindings([newer], [finding()], NOW_MS)).toEqual(merged);
  });

  it.each<[string, Partial<PolicyFinding>]>([
    ["policy", { policy: "score" }],
    ["environment", { environment: "acme-stg" }],
    ["rule", { rule: "change-window" }],
    ["enforcement", { enforcement: "Warn" }],
  ])("counts another %s by itself", (_, change) => {
    expect(mergeFindings([finding()], [finding(change)], NOW_MS)).toHaveLength(2);
  });

  it("drops what is a day old, and keeps the newest first", () => {
    const [old, last] = ["2026-06-01T00:00:00.000Z", "2026-06-01T23:00:00.000Z"];
    const added = [finding({ policy: "old", lastTime: old }), finding({ policy: "last", lastTime: last })];
    const names = mergeFindings([finding()], added, NOW_MS).map(({ policy }) => policy);
    expect(names).toEqual(["last", "live"]);
  });

  it("keeps at most 250", () => {
    const many = Array.from({ length: 260 }, (_, index) => finding({ environment: `e${index}-prod` }));
    expect(mergeFindings([], many, NOW_MS)).toHaveLength(250);
  });
});

describe("parseFindings", () => {
  it("reads what was written", () => {
    expect(parse(JSON.stringify([finding()]))).toEqual([finding()]);
    expect(parseFindings(undefined)).toEqual([]);
  });

  it.each([
    ["no JSON", "{"],
    ["no list", "{}"],
    ["entries that are no objects", "[1, null]"],
    ["an unknown rule", JSON.stringify([{ ...finding(), rule: "luck" }])],
    ["an unknown enforcement", JSON.stringify([{ ...finding(), enforcement: "Off" }])],
    ["a text that is a number", JSON.stringify([{ ...finding(), user: 1 }])],
    ["a count that is a text", JSON.stringify([{ ...finding(), count: "1" }])],
    ["a time that is none", JSON.stringify([{ ...finding(), lastTime: "noon" }])],
  ])("leaves out %s", (_, text) => {
    expect(parse(text)).toEqual([]);
  });
});
