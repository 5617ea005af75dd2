import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type ChangeWindow,
  windowAt,
  windowProblems,
} from "../../../../src/admission/rules/change-window.ts";

const window = (change: Partial<ChangeWindow> = {}): ChangeWindow => ({
  cron: "0 22 * * 0-4",
  duration: "4h",
  timeZone: "Asia/Muscat",
  ...change,
});
const ms = (time: string) => Date.parse(time);
const open = (closesAt: string) => ({ kind: "open", closesAtMs: ms(closesAt) });
const closed = (opensAt: string) => ({ kind: "closed", opensAtMs: ms(opensAt) });
const NEW_YORK = { timeZone: "America/New_York" };
const GAP = window({ ...NEW_YORK, cron: "30 2 * * *", duration: "1h" });
const FOLD = window({ ...NEW_YORK, cron: "30 1 * * *", duration: "45m" });
const OVERNIGHT = window({ ...NEW_YORK, cron: "0 22 * * *", duration: "6h" });
const FRIDAY_OR_13TH = window({ cron: "0 0 13 * fri", timeZone: "UTC", duration: "1h" });

describe("windowAt", () => {
  // 22:00 in Muscat is 18:00 in UTC. 2026-11-29 is a Sunday.
  it.each<[string, ChangeWindow, string, object]>([
    ["a millisecond before its start", window(), "2026-11-29T17:59:59.999Z", closed("2026-11-29T18:00:00Z")],
    ["at its start", window(), "2026-11-29T18:00:00Z", open("2026-11-29T22:00:00Z")],
    ["a millisecond after its start", window(), "2026-11-29T18:00:00.001Z", open("2026-11-29T22:00:00Z")],
    ["a millisecond before its end", window(), "2026-11-29T21:59:59.999Z", open("2026-11-29T22:00:00Z")],
    ["at its end", window(), "2026-11-29T22:00:00Z", closed("2026-11-30T18:00:00Z")],
    ["on a day that it leaves out", window(), "2026-12-04T18:30:00Z", closed("2026-12-06T18:00:00Z")],
    [
      "past midnight of a day that it leaves out",
      window(),
      "2026-12-03T21:30:00Z",
      open("2026-12-03T22:00:00Z"),
    ],
    [
      "with names of days and months",
      window({ cron: "0 22 * jan,MAR Sun-thu" }),
      "2026-12-01T19:00:00Z",
      closed("2027-01-03T18:00:00Z"),
    ],
    [
      "with 7 for Sunday",
      window({ cron: "0 22 * * 7" }),
      "2026-11-29T18:00:00Z",
      open("2026-11-29T22:00:00Z"),
    ],
    [
      "on a weekday, when the day of the month is named too",
      FRIDAY_OR_13TH,
      "2026-12-04T00:30:00Z",
      open("2026-12-04T01:00:00Z"),
    ],
    [
      "on a day of the month, when the weekday is named too",
      FRIDAY_OR_13TH,
      "2026-12-13T00:30:00Z",
      open("2026-12-13T01:00:00Z"),
    ],
    [
      "that opens again before it closes",
      window({ cron: "*/15 * * * *", duration: "1h", timeZone: "UTC" }),
      "2026-11-29T18:20:00Z",
      open("2026-11-29T19:15:00Z"),
    ],
    [
      "that opens in leap years only",
      window({ cron: "0 0 29 2 *", timeZone: "UTC" }),
      "2026-11-29T18:00:00Z",
      closed("2028-02-29T00:00:00Z"),
    ],
    // Clocks go from 02:00 to 03:00 at 07:00 UTC on 2026-03-08.
    ["before a start that the clocks skip", GAP, "2026-03-08T06:59:59Z", closed("2026-03-08T07:00:00Z")],
    ["at the end of the skipped hour", GAP, "2026-03-08T07:00:00Z", open("2026-03-08T08:00:00Z")],
    ["after a skipped start", GAP, "2026-03-08T08:00:00Z", closed("2026-03-09T06:30:00Z")],
    ["over the skipped hour", OVERNIGHT, "2026-03-08T08:59:59Z", open("2026-03-08T09:00:00Z")],
    // Clocks go from 02:00 back to 01:00 at 06:00 UTC on 2026-11-01.
    ["before a start that the clocks repeat", FOLD, "2026-11-01T05:29:59Z", closed("2026-11-01T05:30:00Z")],
    ["at the first of two starts", FOLD, "2026-11-01T05:30:00Z", open("2026-11-01T06:15:00Z")],
    ["in the repeated hour", FOLD, "2026-11-01T06:14:59Z", open("2026-11-01T06:15:00Z")],
    ["at the second of two starts", FOLD, "2026-11-01T06:30:00Z", closed("2026-11-02T06:30:00Z")],
    ["over the repeated hour", OVERNIGHT, "2026-11-01T07:59:59Z", open("2026-11-01T08:00:00Z")],
  ])("judges a window %s", (_, it, now, expected) => expect(windowAt(it, ms(now))).toEqual(expected));

  it("opens at the minutes whose wall clock the expression names, and at no other", () => {
    const zones = ["UTC", "Asia/Muscat", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"];
    const times = fc.integer({
      min: ms("2026-01-01T00:00:00Z") / 1000,
      max: ms("2027-12-31T00:00:00Z") / 1000,
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 59 }),
        fc.integer({ min: 4, max: 23 }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 1, max: 1_200 }),
        fc.constantFrom(...zones),
        times,
        (minute, hour, day, minutes, timeZone, seconds) => {
          const it = window({ cron: `${minute} ${hour} * * ${day}`, duration: `${minutes}m`, timeZone });
          const wallClock = new Intl.DateTimeFormat("en-US", {
            ...{ timeZone, weekday: "short", hour: "numeric", minute: "numeric", hourCycle: "h23" },
          });
          const expected = `${["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][day]} ${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
          const thisMinute = Math.floor(seconds / 60);
          const isOpen = Array.from({ length: minutes }, (__, back) => (thisMinute - back) * 60_000).some(
            (start) => wallClock.format(start).replace(",", "") === expected,
          );
          expect(windowAt(it, seconds * 1000).kind).toBe(isOpen ? "open" : "closed");
        },
      ),
      { numRuns: 60 },
    );
  });
});

const NOW = ms("2026-11-29T18:00:00Z");
const invalidCron = (cron: string) => ({
  field: "cron",
  message: `'${cron}' must have five cron fields: minute, hour, day, month and weekday, for example '0 22 * * sun-thu'`,
});

describe("windowProblems", () => {
  it.each([
    "0 22 * * 5",
    "*/15 0-6 1,15 * 1-5",
    "0-30/10 * * * *",
    "  5 4 * * *  ",
    "0 0 * DEC Sat,sun",
    "0 22 * * MON-FRI",
  ])("accepts the expression '%s'", (cron) => expect(windowProblems(window({ cron }), NOW)).toEqual([]));

  it.each([
    "0 22 * *",
    "0 22 * * 5 6",
    "@daily",
    "a0 * * * *",
    "0 * * * *b",
    "0-x * * * *",
    "60 * * * *",
    "* * * * 8",
    "*/0 * * * *",
    "30-10 * * * *",
    "jan * * * *",
    "0 0 L * *",
    "0 0 15W * *",
    "0 0 * * mon#2",
    "? * * * *",
  ])("refuses the expression '%s'", (cron) =>
    expect(windowProblems(window({ cron }), NOW)).toEqual([invalidCron(cron)]),
  );

  it.each(["0 0 31 2 *", "0 0 31 apr,jun *"])("reports that '%s' never opens", (cron) =>
    expect(windowProblems(window({ cron }), NOW)).toEqual([
      {
        field: "cron",
        message: `'${cron}' names a day that no year has, so the window never opens; name another`,
      },
    ]),
  );

  it("names each field that is wrong, and the window is invalid", () => {
    const wrong = window({ cron: "x", timeZone: "Muscat", duration: "0s" });
    const problems = [
      invalidCron("x"),
      {
        field: "timeZone",
        message: "'Muscat' is not an IANA time zone; write one, for example Asia/Muscat",
      },
      {
        field: "duration",
        message: "'0s' leaves no time for an install; write a longer one, for example 2h",
      },
    ];
    expect(windowProblems(wrong, NOW)).toEqual(problems);
    expect(windowAt(wrong, NOW)).toEqual({ kind: "invalid", problems });
  });
});
