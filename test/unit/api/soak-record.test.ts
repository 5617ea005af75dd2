import { describe, expect, it } from "vitest";
import { parseSoakRecord, runningSinceMs, soakRecordObject } from "../../../src/api/soak-record.ts";

const NOW = Date.parse("2026-11-29T12:00:00Z");
const SINCE = "2026-11-28T12:00:00.000Z";
const record = (seen: string) => ({ "sha256:a": { since: SINCE, seen } });

describe("a soak record", () => {
  it("reads a soak record as it was written", () => {
    const object = soakRecordObject("acme-stg", record(SINCE));
    expect(object.metadata).toMatchObject({ name: "catalyst-soak-acme-stg", namespace: "catalyst-system" });
    expect(parseSoakRecord(object)).toEqual(record(SINCE));
  });

  it.each([
    ["no object", undefined],
    ["no text", {}],
    ["text that is no JSON", { "record.json": "{" }],
    ["a list", { "record.json": "[1]" }],
    ["null", { "record.json": "null" }],
    ["entries without times", { "record.json": '{"sha256:a":{"since":"x","seen":"y"},"sha256:b":1}' }],
  ])("returns an empty record for %s", (_, data) => {
    const object = data === undefined ? undefined : { ...soakRecordObject("acme-stg", {}), data };
    expect(parseSoakRecord(object)).toEqual({});
  });
});

describe("runningSinceMs", () => {
  it.each([
    ["was seen now", "2026-11-29T12:00:00Z", Date.parse(SINCE)],
    ["was seen 15 minutes ago", "2026-11-29T11:45:00Z", Date.parse(SINCE)],
    ["was seen earlier", "2026-11-29T11:44:59.999Z", undefined],
  ])("returns the start of the run of a digest that %s", (_, seen, expected) =>
    expect(runningSinceMs(record(seen), "sha256:a", NOW)).toBe(expected),
  );

  it.each(["sha256:b", "constructor", "__proto__"])("returns undefined for %s", (digest) =>
    expect(runningSinceMs(record(SINCE), digest, NOW)).toBeUndefined(),
  );
});
