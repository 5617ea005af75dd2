import { describe, expect, it } from "vitest";
import type { JobObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { migrate } from "../../../../../src/controllers/sovereign/step/migration.ts";
import { NOW } from "../../../../support/builder/catalyst-object.ts";
import {
  contextWith,
  job,
  minutesAgo,
  name,
  pod,
  RESULT,
  TARGET,
} from "../../../../support/builder/migration-job.ts";

describe("the result of a migration Job", () => {
  it("is not read before the Job has finished", async () => {
    const { context } = contextWith([job()], [pod("p", NOW, RESULT)]);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating" });
  });

  it.each([
    ["does not delete a Job that ended a minute ago", 1, []],
    ["deletes a Job whose result is lost", 60_001 / 60_000, [[name, { uid: "uid-job" }]]],
  ])("%s", async (_what, minutes, expected) => {
    const { context, deleted } = contextWith([job("Complete", minutesAgo(minutes))]);
    expect(await migrate(context, TARGET)).toMatchObject({
      kind: "waiting",
      reason: "Migrating",
      message: `Job ${name} is complete, and its result is not there yet: the operator reads it when it comes, or runs the Job again`,
    });
    expect(
      deleted.map(([resource, metadata, options]) => {
        expect(resource).toMatchObject({ kind: "Job" });
        return [(metadata as JobObject["metadata"]).name, options];
      }),
    ).toEqual(expected);
  });

  it("keeps its Job while the API server has it, at any time of the clock", async () => {
    const live = [pod("p", NOW, RESULT)];
    const { context, deleted } = contextWith([job("Complete", minutesAgo(120))], [], undefined, live);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating", retryAfterMs: 1_000 });
    expect(deleted).toEqual([]);
  });

  it.each([
    ["when the result is lost", minutesAgo(0.5), 30_000],
    ["at most a minute later by a clock that is behind", minutesAgo(-120), 60_000],
  ])("is read again %s", async (_when, endedAt, retryAfterMs) => {
    const { context } = contextWith([job("Complete", endedAt)]);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating", retryAfterMs });
  });

  it("is lost when the Job has no uid: the Job is deleted by its name", async () => {
    const lost = job("Complete", minutesAgo(5));
    const { uid: _, ...metadata } = lost.metadata;
    const { context, deleted } = contextWith([{ ...lost, metadata }]);
    await migrate(context, TARGET);
    expect(deleted.map(([, , options]) => options)).toStrictEqual([{}]);
  });

  it("keeps a Job that has no completion time", async () => {
    const { context, deleted } = contextWith([job("Complete")]);
    await migrate(context, TARGET);
    expect(deleted).toEqual([]);
  });
});
