import { describe, expect, it } from "vitest";
import type { Sovereign, SovereignStatus } from "../../../../src/api/sovereign.ts";
import {
  deadlineMs,
  desiredProgress,
  judgeDeadlines,
} from "../../../../src/controllers/sovereign/desired-deadline.ts";
import { applyDeadlines } from "../../../../src/controllers/sovereign/report.ts";
import {
  desiredStatus,
  type Findings,
  falseCondition,
  stalled,
  unknown,
  waiting,
} from "../../../../src/controllers/sovereign/status.ts";
import { condition, IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const MINUTE_MS = 60_000;
const ago = (minutes: number) => new Date(Date.parse(NOW) - minutes * MINUTE_MS).toISOString();
const since = (minutes: number, image = IMAGE): NonNullable<SovereignStatus["progress"]> => ({
  ...{ generation: 1, image, since: ago(minutes) },
});
const own = (status: SovereignStatus, deadlines?: object): Sovereign => {
  const plain = sovereign("omantel", {}, { pinnedImage: IMAGE, ...status });
  if (deadlines === undefined) return plain;
  return { ...plain, spec: { ...plain.spec, billing: { ...plain.spec.billing, deadlines } } };
};
const findings = (stop: Findings["stop"], type?: string, facts: Findings["facts"] = {}): Findings => ({
  conditions:
    type === undefined || stop === undefined ? [] : [falseCondition(type, stop.reason, stop.message)],
  ...{ facts, stop },
});
const LED = { now: NOW, ledSince: ago(100_000) };
const MIGRATING = waiting("Migrating", "Job x has not finished yet");
const ROLLING = waiting("ImagePullFailed", "Pod p cannot pull x");

describe("deadlineMs", () => {
  it.each([
    ["migration", undefined, 15 * MINUTE_MS],
    ["rollout", undefined, 10 * MINUTE_MS],
    ["ready", undefined, 30 * MINUTE_MS],
    ["ready", { ready: "90s" }, 90_000],
    ["rollout", { rollout: "0s" }, 0],
  ] as const)("of %s with %j is %d ms", (which, deadlines, expected) => {
    expect(deadlineMs(own({}, deadlines), which)).toBe(expected);
  });
});

describe("desiredProgress", () => {
  it.each<[string, SovereignStatus, Findings, SovereignStatus["progress"]]>([
    ["starts with the first wait", {}, findings(MIGRATING), { generation: 1, image: IMAGE, since: NOW }],
    ["continues", { progress: since(5) }, findings(MIGRATING), since(5)],
    ["continues while stalled", { progress: since(5) }, findings(stalled("X", "")), since(5)],
    [
      "starts again after the clock was set back",
      { progress: since(-120) },
      findings(MIGRATING),
      { generation: 1, image: IMAGE, since: NOW },
    ],
    [
      "starts again with another image",
      { progress: since(5) },
      findings(MIGRATING, undefined, { pinnedImage: NEXT_IMAGE }),
      { generation: 1, image: NEXT_IMAGE, since: NOW },
    ],
    [
      "starts again with another spec",
      { progress: { generation: 0, image: IMAGE, since: ago(5) } },
      findings(MIGRATING),
      { generation: 1, image: IMAGE, since: NOW },
    ],
    ["ends when nothing is left to do", { progress: since(5) }, findings(undefined), undefined],
    [
      "ends when the operator is not to act",
      { progress: since(5) },
      findings(unknown("Suspended", "")),
      undefined,
    ],
    ...[
      ...["WaitingForWave", "WaitingForCanary", "WaitingForReference", "Baking", "RolloutHalted"],
      ...["WaitingForApproval", "RolloutPaused", "RolloutAborted", "Held", "Skipped"],
      ...["CheckingImage", "ImageNotFound", "WaitingForCluster", "WaitingForHub"],
    ].map((reason): [string, SovereignStatus, Findings, undefined] => [
      `does not run during ${reason}`,
      { progress: since(5) },
      findings(waiting(reason, "")),
      undefined,
    ]),
  ])("%s", (_what, status, found, expected) => {
    expect(desiredProgress(own(status), found, NOW)).toEqual(expected);
    expect(desiredStatus(own(status), found, NOW).progress).toEqual(expected);
  });
});

describe("judgeDeadlines", () => {
  const rolledOut = (minutes: number) => ({ conditions: [condition("RolledOut", "False", ago(minutes))] });
  const migrated = (minutes: number) => ({ conditions: [condition("Migrated", "False", ago(minutes))] });

  it.each<[string, SovereignStatus, Findings, object | undefined, string, string]>([
    [
      "a migration",
      { progress: since(16), ...migrated(15) },
      findings(MIGRATING, "Migrated"),
      undefined,
      "MigrationDeadlineExceeded",
      "the migration has not ended within 15m (spec.billing.deadlines.migration): Job x has not finished yet",
    ],
    [
      "a rollout",
      { progress: since(12), ...rolledOut(10) },
      findings(ROLLING, "RolledOut"),
      undefined,
      "RolloutDeadlineExceeded",
      "the rollout has not ended within 10m (spec.billing.deadlines.rollout): Pod p cannot pull x",
    ],
    [
      "a Sovereign as a whole",
      { progress: since(30) },
      findings(waiting("DatabaseUnreachable", "no login")),
      undefined,
      "ReadyDeadlineExceeded",
      "the Sovereign is not Ready within 30m (spec.billing.deadlines.ready): no login",
    ],
    [
      "a Sovereign on an image that nothing may ever measure",
      { progress: since(30) },
      findings(waiting("ReferenceMissing", "no release has a reference")),
      undefined,
      "ReadyDeadlineExceeded",
      "the Sovereign is not Ready within 30m (spec.billing.deadlines.ready): no release has a reference",
    ],
    [
      "a Sovereign with a deadline of its own",
      { progress: since(2) },
      findings(waiting("DatabaseUnreachable", "no login")),
      { ready: "1m30s" },
      "ReadyDeadlineExceeded",
      "the Sovereign is not Ready within 1m30s (spec.billing.deadlines.ready): no login",
    ],
  ])("ends the wait of %s", (_what, status, found, deadlines, reason, message) => {
    expect(judgeDeadlines(own(status, deadlines), found, LED)).toEqual({ kind: "overdue", reason, message });
  });

  it("ends the wait of a deletion, and of an operator that starts afterwards", () => {
    const reason = "DeletionDeadlineExceeded";
    const message =
      "the Sovereign is not deleted within 30m (spec.billing.deadlines.ready): the cluster does not answer";
    const blocked = findings(waiting("DeletionBlocked", "the cluster does not answer"));
    const overdue = { kind: "overdue", reason, message };
    const deleted = (status: SovereignStatus): Sovereign => {
      const present = own(status);
      return { ...present, metadata: { ...present.metadata, deletionTimestamp: ago(30) } };
    };
    expect(judgeDeadlines(deleted({ progress: since(29) }), blocked, LED)).toEqual({
      ...{ kind: "due", inMs: MINUTE_MS },
    });
    expect(judgeDeadlines(deleted({ progress: since(30) }), blocked, LED)).toEqual(overdue);
    const reported = { ...condition("Ready", "False"), reason };
    const known = deleted({ progress: since(30), conditions: [reported] });
    expect(judgeDeadlines(known, blocked, { now: NOW, ledSince: NOW })).toEqual(overdue);
  });

  it.each<[string, SovereignStatus, Findings, object | undefined, object]>([
    [
      "before it",
      { progress: since(16), ...migrated(14) },
      findings(MIGRATING, "Migrated"),
      undefined,
      { kind: "due", inMs: MINUTE_MS },
    ],
    [
      "for a step that failed on the previous image",
      { progress: since(1), ...rolledOut(60) },
      findings(ROLLING, "RolledOut"),
      undefined,
      { kind: "due", inMs: 9 * MINUTE_MS },
    ],
    [
      "for a step that waits since now",
      { progress: since(1) },
      findings(ROLLING, "RolledOut"),
      undefined,
      { kind: "due", inMs: 10 * MINUTE_MS },
    ],
    [
      "for another image",
      { progress: since(60) },
      findings(MIGRATING, "Migrated", { pinnedImage: NEXT_IMAGE }),
      undefined,
      { kind: "due", inMs: 15 * MINUTE_MS },
    ],
    [
      "without any",
      { progress: since(9_999), ...migrated(9_999) },
      findings(MIGRATING, "Migrated"),
      { migration: "0s", ready: "0s" },
      { kind: "none" },
    ],
    [
      "for what waits for others",
      { progress: since(9_999) },
      findings(waiting("WaitingForReference", "")),
      undefined,
      { kind: "none" },
    ],
    [
      "for what is stalled already",
      { progress: since(9_999) },
      findings(stalled("MigrationFailed", "")),
      undefined,
      { kind: "none" },
    ],
    ["for a Sovereign that is Ready", {}, findings(undefined), undefined, { kind: "none" }],
  ])("ends no wait %s", (_when, status, found, deadlines, expected) => {
    expect(judgeDeadlines(own(status, deadlines), found, LED)).toEqual(expected);
  });
});

describe("judgeDeadlines after a time without an operator", () => {
  const waits = findings(waiting("DatabaseUnreachable", "no login"));
  const rolls = findings(ROLLING, "RolledOut");
  const reported = {
    conditions: [{ ...condition("Ready", "False", ago(5)), reason: "ReadyDeadlineExceeded" }],
  };

  it.each<[string, SovereignStatus, Findings, object]>([
    ["the whole time of a Sovereign", { progress: since(600) }, waits, { kind: "due", inMs: 29 * MINUTE_MS }],
    [
      "the whole time of a step",
      { progress: since(600), conditions: [condition("RolledOut", "False", ago(600))] },
      rolls,
      { kind: "due", inMs: 9 * MINUTE_MS },
    ],
    [
      "the whole time of another goal than the reported one",
      { ...reported, progress: since(600, NEXT_IMAGE) },
      waits,
      { kind: "due", inMs: 30 * MINUTE_MS },
    ],
  ])("gives back %s", (_what, status, found, expected) => {
    expect(judgeDeadlines(own(status), found, { now: NOW, ledSince: ago(1) })).toEqual(expected);
  });

  it("counts from the start of the goal when the clock was set back since the step failed", () => {
    const status = { progress: since(4), conditions: [condition("RolledOut", "False", ago(-120))] };
    expect(judgeDeadlines(own(status), rolls, LED)).toEqual({ kind: "due", inMs: 6 * MINUTE_MS });
  });

  it("keeps a wait that was reported as too long", () => {
    const verdict = judgeDeadlines(own({ ...reported, progress: since(600) }), waits, {
      now: NOW,
      ledSince: ago(1),
    });
    expect(verdict).toMatchObject({ kind: "overdue", reason: "ReadyDeadlineExceeded" });
  });
});

describe("applyDeadlines", () => {
  const overdue = (conditions: SovereignStatus["conditions"] = []) => {
    const context = contextOf(own({ progress: since(30), conditions }));
    context.findings.stop = waiting("DatabaseUnreachable", "no login");
    applyDeadlines(context, LED.ledSince);
    return context;
  };
  const message = "the Sovereign is not Ready within 30m (spec.billing.deadlines.ready): no login";

  it("stalls the Sovereign, records one Event, and lets the operator try again", () => {
    const context = overdue();
    expect(context.events).toEqual([{ type: "Warning", reason: "ReadyDeadlineExceeded", message }]);
    expect(context.findings.stop).toMatchObject({ kind: "waiting", retryAfterMs: 60_000 });
    const { conditions } = desiredStatus(context.sovereign, context.findings, NOW);
    expect(conditions?.map(({ type, status, reason }) => `${type}=${status} ${reason}`)).toEqual([
      "Ready=False ReadyDeadlineExceeded",
      "Stalled=True ReadyDeadlineExceeded",
    ]);
    expect(overdue(conditions).events).toEqual([]);
  });

  it("looks again when the deadline is over", () => {
    const context = contextOf(own({ progress: since(29.9) }));
    context.findings.stop = waiting("DatabaseUnreachable", "no login");
    applyDeadlines(context, LED.ledSince);
    expect(context.findings.stop).toMatchObject({ retryAfterMs: 6_000 });
    expect(context.findings.overdue).toBeUndefined();
  });
});
