import { describe, expect, it } from "vitest";
import { describeFleet, describeObject } from "../../../src/cli/status-text.ts";
import type { Summary } from "../../../src/controllers/summary.ts";

const SINCE = "2026-11-24T12:00:00Z";
const NOW_MS = Date.parse("2026-11-24T15:00:00Z");
const obstacle = (reason: string, message = "why") => ({ reason, message, since: SINCE });

const sovereign = (name: string, change: Partial<Summary> = {}): Summary => ({
  ...{
    kind: "Sovereign",
    name,
    ready: "True",
    is: "catalyst@sha256:aaaaaaaaaaaa",
    heldBy: undefined,
    also: [],
  },
  should: "catalyst@sha256:bbbbbbbbbbbb",
  ...change,
});
const held = (name: string, reason: string, ready: Summary["ready"] = "False") =>
  sovereign(name, { ready, heldBy: obstacle(reason) });
const many = (count: number, one: (name: string) => Summary) =>
  Array.from({ length: count }, (_, at) => one(`s${at}`));

describe("describeFleet", () => {
  it("keeps 10,000 Sovereigns on one screen: the first that are not Ready, and counts of the rest", () => {
    const text = describeFleet(
      [
        sovereign("stable", { kind: "BillingRelease", is: "9000 of 10000 Sovereigns verified" }),
        ...many(8_000, (name) => sovereign(name)),
        ...many(1_000, (name) => sovereign(name, { is: "catalyst@sha256:bbbbbbbbbbbb" })),
        ...many(300, (name) => held(name, "Suspended", "Unknown")),
        ...many(600, (name) => held(name, "DatabaseUnreachable")),
        ...many(100, (name) => held(name, "MigrationFailed")),
      ],
      NOW_MS,
    );
    const lines = text.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(52);
    expect(lines[0]).toBe("9001 of 10001 are Ready.");
    expect(lines.slice(1, 6)).toEqual([
      "Sovereign s0: not Ready",
      "  is:      catalyst@sha256:aaaaaaaaaaaa",
      "  should:  catalyst@sha256:bbbbbbbbbbbb",
      `  held by: DatabaseUnreachable, since ${SINCE} (3h)`,
      "           why",
    ]);
    expect(lines.slice(-5)).toEqual([
      `Sovereign s10: not Ready, DatabaseUnreachable, since ${SINCE} (3h)`,
      `Sovereign s11: not Ready, DatabaseUnreachable, since ${SINCE} (3h)`,
      "988 more are not Ready: 588 DatabaseUnreachable, 300 Suspended, 100 MigrationFailed",
      "BillingRelease stable: Ready, 9000 of 10000 Sovereigns verified",
      "9000 Sovereigns are Ready: 8000 catalyst@sha256:aaaaaaaaaaaa, 1000 catalyst@sha256:bbbbbbbbbbbb",
    ]);
  });

  it("counts the less frequent reasons together", () => {
    const reasons = many(16, (name) =>
      name === "s15" ? held(name, "D") : held(name, "ABC"[Number(name.slice(1)) % 3] ?? ""),
    );
    expect(describeFleet([...reasons, held("last", "E")], NOW_MS)).toContain(
      "5 more are not Ready: 1 A, 1 B, 1 C, 2 others\n",
    );
  });

  it("shortens the messages and the obstacles of one object", () => {
    const also = ["A", "B", "C", "D", "E"].map((reason) => obstacle(reason, "x".repeat(300)));
    const text = describeFleet(
      [sovereign("zero", { ready: "False", heldBy: obstacle("Held"), also })],
      NOW_MS,
    );
    expect(text).toContain(
      `  also:    A\n           ${"x".repeat(240)}…\n  also:    4 more: see Sovereign zero alone\n`,
    );
    expect(text).not.toContain("also:    B");
  });

  it("names the first Sovereign that holds up a release in its line", () => {
    const release = (name: string, ...reasons: string[]) =>
      sovereign(name, {
        ...{ kind: "BillingRelease", ready: "False", heldBy: obstacle("Degraded") },
        also: reasons.map((reason) => obstacle(reason)),
      });
    const releases = [release("alone", "omantel CrashLoop"), release("several", "a X", "b X", "c X")];
    const text = describeFleet(
      [...many(4, (name) => held(name, "Held")), ...releases, release("none")],
      NOW_MS,
    );
    expect(text).toContain(
      `BillingRelease alone: not Ready, Degraded, since ${SINCE} (3h): omantel CrashLoop\n` +
        `BillingRelease several: not Ready, Degraded, since ${SINCE} (3h): a X and 2 more\n` +
        `BillingRelease none: not Ready, Degraded, since ${SINCE} (3h)\n`,
    );
  });

  it("names what is wrong with a Ready Sovereign", () => {
    const also = [obstacle("SettingsAccepted GrantExceeded"), obstacle("IssuerReachable UnknownAuthority")];
    expect(describeFleet([sovereign("a", { also }), sovereign("b", { also: also.slice(1) })], NOW_MS)).toBe(
      [
        "2 of 2 are Ready.",
        "Sovereign a: Ready, catalyst@sha256:aaaaaaaaaaaa, but SettingsAccepted GrantExceeded and 1 more",
        "Sovereign b: Ready, catalyst@sha256:aaaaaaaaaaaa, but IssuerReachable UnknownAuthority\n",
      ].join("\n"),
    );
  });

  it("says that a cluster has no objects", () => {
    expect(describeFleet([], NOW_MS)).toBe("There is no BillingRelease and no Sovereign.\n");
  });
});

describe("describeObject", () => {
  it("shows every obstacle of a Sovereign, and removes control characters from a quoted log", () => {
    const log = "cannot connect\n\u001b[2Jretrying";
    const also = ["A", "B", "C", "D"].map((reason) => obstacle(reason));
    expect(
      describeObject(
        sovereign("zero", { ready: "False", heldBy: obstacle("MigrationFailed", log), also }),
        NOW_MS,
      ),
    ).toBe(`Sovereign zero: not Ready
  is:      catalyst@sha256:aaaaaaaaaaaa
  should:  catalyst@sha256:bbbbbbbbbbbb
  held by: MigrationFailed, since ${SINCE} (3h)
           cannot connect [2Jretrying
${["A", "B", "C", "D"].map((reason) => `  also:    ${reason}\n           why\n`).join("")}`);
  });
});
