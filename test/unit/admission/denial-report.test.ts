import { describe, expect, it } from "vitest";
import {
  createDenialReport,
  type DenialRow,
  formatRows,
  mergeRows,
  parseRows,
} from "../../../src/admission/denial-report.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import { creation } from "../../support/builder/admission-request.ts";

const at = (second: number) => new Date(Date.UTC(2026, 5, 1, 0, 0, second));
const by = (username: string, change: Partial<AdmissionInput> = {}) =>
  creation({ user: { username, groups: [] }, ...change });
const VIOLATION = { rule: "image-digest", path: "spec.image", message: "write a digest" } as const;
const row = (change: Partial<DenialRow> = {}): DenialRow => ({
  ...{ identity: "tenant", user: "salma", rule: "image-digest", count: 1 },
  ...{ firstAt: "2026-06-01T00:00:01.000Z", lastAt: "2026-06-01T00:00:01.000Z" },
  example: { operation: "CREATE", resource: "pods", namespace: "shop", name: "web", path: "spec.image" },
  ...change,
});

describe("createDenialReport", () => {
  it("keeps a row for each user and rule, with the newest request as the example", () => {
    const report = createDenialReport();
    const pod = { resource: "pods", namespace: "shop" };
    report.record(by("salma", { ...pod, name: "first" }), "tenant", VIOLATION, at(1));
    report.record(by("salma", { ...pod, name: "web" }), "tenant", VIOLATION, at(2));
    report.record(by("omar", { ...pod, name: "web" }), "tenant", VIOLATION, at(3));
    report.record(
      by("salma", {
        group: "apps",
        resource: "deployments",
        subresource: "scale",
        namespace: "shop",
        name: "web",
      }),
      "tenant",
      { ...VIOLATION, rule: "managed-object" },
      at(4),
    );
    const [managed, others, own] = report.take().reverse();
    expect(own).toEqual(row({ count: 2, lastAt: "2026-06-01T00:00:02.000Z" }));
    expect(others?.user).toBe("omar");
    expect(managed).toMatchObject({
      rule: "managed-object",
      example: { resource: "deployments.apps/scale" },
    });
  });

  it("returns each row once", () => {
    const report = createDenialReport();
    report.record(by("salma"), "tenant", VIOLATION, at(1));
    expect(report.take()).toHaveLength(1);
    expect(report.take()).toEqual([]);
  });

  it("joins rows that are put back with those that came since", () => {
    const report = createDenialReport();
    report.record(by("salma"), "tenant", VIOLATION, at(1));
    const taken = report.take();
    report.record(by("salma"), "tenant", VIOLATION, at(9));
    report.putBack(taken);
    expect(report.take()).toEqual([
      expect.objectContaining({
        count: 2,
        firstAt: "2026-06-01T00:00:01.000Z",
        lastAt: "2026-06-01T00:00:09.000Z",
      }),
    ]);
  });

  it("keeps the 1,000 rows that were last used, however many users there are", () => {
    const report = createDenialReport();
    for (let index = 0; index < 1_000; index += 1)
      report.record(by(`user-${index}`), "tenant", VIOLATION, at(index));
    report.record(by("user-0"), "tenant", VIOLATION, at(1_000));
    report.record(by("late"), "tenant", VIOLATION, at(1_001));
    const users = report.take().map(({ user }) => user);
    expect(users).toHaveLength(1_000);
    expect(users.slice(0, 1)).toEqual(["user-2"]);
    expect(users.slice(-2)).toEqual(["user-0", "late"]);
  });

  it("cuts what users write after 256 characters", () => {
    const report = createDenialReport();
    report.record(by("u".repeat(500), { name: "n".repeat(257) }), "tenant", VIOLATION, at(1));
    const [kept] = report.take();
    expect(kept?.user).toBe(`${"u".repeat(255)}…`);
    expect(kept?.example.name).toBe(`${"n".repeat(255)}…`);
  });
});

describe("mergeRows", () => {
  it("adds the counts of a user and rule, and keeps first time, last time and newest example", () => {
    const example = { ...row().example, name: "newest" };
    const newer = row({
      count: 3,
      firstAt: "2026-06-01T00:00:05.000Z",
      lastAt: "2026-06-01T00:00:09.000Z",
      example,
    });
    const older = row({ count: 2 });
    const joined = [row({ count: 5, lastAt: newer.lastAt, example })];
    expect(mergeRows([older], [newer])).toEqual(joined);
    expect(mergeRows([newer], [older])).toEqual(joined);
  });

  it("puts the newest row first, and drops the oldest beyond 1,000", () => {
    const rows = Array.from({ length: 1_001 }, (_, index) =>
      row({ user: `user-${index}`, lastAt: at(index).toISOString() }),
    );
    const merged = mergeRows(rows, []);
    expect(merged).toHaveLength(1_000);
    expect(merged[0]?.user).toBe("user-1000");
    expect(merged.at(-1)?.user).toBe("user-1");
  });

  it("stays below 1 MiB of text", () => {
    const long = "ü".repeat(256);
    const rows = Array.from({ length: 1_000 }, (_, index) =>
      row({
        user: `${index}${long}`,
        example: { operation: "CREATE", resource: long, namespace: long, name: long, path: long },
      }),
    );
    const merged = mergeRows(rows, []);
    expect(merged.length).toBeGreaterThan(200);
    expect(Buffer.byteLength(formatRows(merged))).toBeLessThan(1024 * 1024);
  });
});

describe("parseRows", () => {
  it.each([[[]], [[row()]], [[row(), row({ user: "omar" })]]])("reads what formatRows wrote: %j", (rows) => {
    expect(parseRows(formatRows(rows))).toEqual(rows);
  });

  it.each<[string, string]>([
    ["no text", ""],
    ["text that is not JSON", "{"],
    ["an object", "{}"],
    ["rows without their members", '[{"user":"salma"}, null, 1, []]'],
    ["a row whose example is not of text", JSON.stringify([{ ...row(), example: { path: 1 } }])],
    ["a row whose count is not a number", JSON.stringify([{ ...row(), count: "1" }])],
  ])("finds no row in %s", (_, text) => {
    expect(parseRows(text)).toEqual([]);
  });
});
