import { describe, expect, it } from "vitest";
import type { SovereignStatus } from "../../../../../src/api/sovereign.ts";
import { desiredMigrationJob } from "../../../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { migrate, migratedImage } from "../../../../../src/controllers/sovereign/step/migration.ts";
import type { KubeClient } from "../../../../../src/kube/client.ts";
import { KubeError } from "../../../../../src/kube/error.ts";
import { condition, IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import {
  contextWith,
  DATABASE,
  job,
  minutesAgo,
  name,
  own,
  pod,
  RESULT,
  TARGET,
} from "../../../../support/builder/migration-job.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

describe("migratedImage", () => {
  const migrated = sovereign("omantel", {}, { migration: { image: IMAGE, database: DATABASE } });
  it.each([
    ["the database that was migrated", DATABASE, IMAGE],
    ["another database", "sha256:other", undefined],
    ["a database that is unknown while its Secret is missing", undefined, IMAGE],
  ])("on %s", (_which, database, image) => expect(migratedImage(migrated, database)).toBe(image));

  it.each([DATABASE, undefined])("is none before the first migration, on %s", (database) =>
    expect(migratedImage(sovereign("omantel", {}, {}), database)).toBeUndefined(),
  );
  it("is none without a status", () => expect(migratedImage(own, DATABASE)).toBeUndefined());
});

/** The Job that migrates a Sovereign with this status. */
function named(status: SovereignStatus): Pick<JobObject, "metadata"> {
  const { metadata } = desiredMigrationJob(sovereign("omantel", {}, status), IMAGE, DATABASE);
  return { metadata: { ...metadata, uid: "uid-job" } };
}

describe("migrate", () => {
  it("records the image, the database and the schema when the Job is complete", async () => {
    const { context } = contextWith([job("Complete", NOW)], [pod("p", NOW, RESULT)]);
    expect(await migrate(context, TARGET)).toBeUndefined();
    expect(context.findings.facts).toEqual({
      migration: { image: IMAGE, database: DATABASE, job: name },
      schemaVersion: "0005",
      schemaFingerprint: "sha256:b",
    });
    expect(context.findings.conditions).toEqual([
      {
        type: "Migrated",
        status: "True",
        reason: "Migrated",
        message: `Job ${name} migrated the database to schema 0005, fingerprint sha256:b`,
      },
    ]);
  });

  it.each([
    ["another image", { image: NEXT_IMAGE, database: DATABASE }, 1],
    ["nothing", undefined, 0],
  ])("writes the status before the workload of %s is replaced", async (_which, migration, count) => {
    const status = migration === undefined ? {} : { migration };
    const done = { ...job("Complete", NOW), ...named(status) };
    const { context } = contextWith([done], [pod("p", NOW, RESULT)], status);
    const reports: unknown[] = [];
    context.report = async ({ facts, stop }) => void reports.push([facts.migration?.image, stop?.reason]);
    expect(await migrate(context, TARGET)).toBeUndefined();
    expect(reports).toEqual(Array.from({ length: count }, () => [IMAGE, "RollingOut"]));
  });

  it.each([
    ["no condition", [], 1],
    ["a false one", [condition("Migrated", "False")], 1],
    ["a true one", [condition("Migrated", "True")], 0],
  ])("runs no Job for an image that was migrated, and corrects %s", async (_which, conditions, count) => {
    const status = { migration: { image: IMAGE, database: DATABASE }, conditions };
    const { context } = contextWith([], [], status);
    expect(await migrate(context, TARGET)).toBeUndefined();
    expect(context.findings.conditions).toEqual(
      Array.from({ length: count }, () => ({
        type: "Migrated",
        status: "True",
        reason: "Migrated",
        message: "the migration of this image ran earlier",
      })),
    );
  });

  it.each([
    ["another image", { image: NEXT_IMAGE, database: DATABASE }],
    ["another database", { image: IMAGE, database: "sha256:other" }],
  ])("waits for the Job when %s was migrated", async (_which, migration) => {
    const { context } = contextWith([{ ...job(), ...named({ migration }) }], [], { migration });
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating" });
    expect(context.findings.facts).toEqual({});
  });

  it("waits for a Job that runs, and reports why its container waits", async () => {
    const waiting: PodObject = {
      ...pod("p", NOW, ""),
      status: {
        containerStatuses: [
          {
            name: "migrate",
            image: IMAGE,
            state: { waiting: { reason: "ImagePullBackOff", message: "not found" } },
          },
        ],
      },
    };
    const { context, deleted } = contextWith([job()], [waiting]);
    const message = `Job ${name} has not finished yet: Pod p cannot pull ${IMAGE}: not found: correct spec.image of the BillingRelease, or give the nodes access to the registry`;
    expect(await migrate(context, TARGET)).toEqual({
      kind: "waiting",
      reason: "ImagePullFailed",
      message,
      retryAfterMs: 60_000,
      isWatched: true,
    });
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "ImagePullFailed", message },
    ]);
    expect(context.events).toEqual([
      {
        type: "Warning",
        reason: "ImagePullFailed",
        message: message.slice(`Job ${name} has not finished yet: `.length),
      },
    ]);
    expect(deleted).toEqual([]);
  });

  it.each([
    ["at first", 9_999 / 60_000, 10_000, ""],
    [
      "later",
      10_001 / 60_000,
      20_000,
      `: it has no Pod; kubectl -n sovereign-omantel describe job ${name} says whether a quota or a policy refuses it`,
    ],
  ])("names what a Job without a Pod waits for, %s", async (_when, minutes, retryAfterMs, hint) => {
    const open = job();
    const created = { ...open, metadata: { ...open.metadata, creationTimestamp: minutesAgo(minutes) } };
    const { context } = contextWith([created]);
    expect(await migrate(context, TARGET)).toMatchObject({
      reason: "Migrating",
      message: `Job ${name} has not finished yet${hint}`,
      retryAfterMs,
    });
  });

  it("gives the API server's last message when it refuses the Pod of the Job, in one Event", async () => {
    const open = job();
    const created = { ...open, metadata: { ...open.metadata, creationTimestamp: minutesAgo(1) } };
    const refusal = (minutes: number, message: string) => ({
      ...{ apiVersion: "v1", kind: "Event", metadata: { name: `e${minutes}` } },
      ...{ lastTimestamp: minutesAgo(minutes), message },
    });
    const items = [
      refusal(0.5, "Error creating: earlier"),
      refusal(0.2, 'Error creating: pods "m" is forbidden: exceeded quota: small'),
    ];
    const scopes: unknown[] = [];
    const list = async ({ kind }: { kind: string }, scope: unknown) => {
      if (kind === "Event") scopes.push(scope);
      return { items: kind === "Event" ? items : [], resourceVersion: "1" };
    };
    const context = contextOf(own, { jobs: [created] }, { client: { list } as unknown as KubeClient });
    const why =
      'the API server refuses its Pods: pods "m" is forbidden: exceeded quota: small: change the quota, the limit range or the policy that refuses them';
    const message = `Job ${name} has not finished yet: ${why}`;
    expect(await migrate(context, TARGET)).toMatchObject({ kind: "waiting", reason: "PodsRefused", message });
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "PodsRefused", message },
    ]);
    expect(context.events).toEqual([{ type: "Warning", reason: "PodsRefused", message: why }]);
    expect(scopes).toEqual([
      {
        namespace: "sovereign-omantel",
        fieldSelector: "involvedObject.uid=uid-job,reason=FailedCreate",
      },
    ]);
  });

  it("names the finalizers that hold a deleted Job without a Pod, and looks for no refusal", async () => {
    const { metadata, ...open } = job();
    const times = { creationTimestamp: minutesAgo(2), deletionTimestamp: minutesAgo(1) };
    const held = { ...open, metadata: { ...metadata, ...times, finalizers: ["example.com/held"] } };
    const context = contextOf(own, { jobs: [held] });
    expect(await migrate(context, TARGET)).toMatchObject({
      kind: "waiting",
      reason: "Migrating",
      message: `Job ${name} has not finished yet. It is being deleted since ${minutesAgo(1)}; its finalizers are example.com/held: kubectl -n sovereign-omantel describe job ${name} shows what holds it`,
    });
  });

  it.each([
    [403, "Migrating"],
    [500, undefined],
  ])("needs no right to list Events, and fails for another reason (%i)", async (status, reason) => {
    const open = job();
    const created = { ...open, metadata: { ...open.metadata, creationTimestamp: minutesAgo(1) } };
    const refused = new KubeError("refused", { status, reason: "Refused" });
    const list = async ({ kind }: { kind: string }) => {
      if (kind === "Event") throw refused;
      return { items: [], resourceVersion: "1" };
    };
    const context = contextOf(own, { jobs: [created] }, { client: { list } as unknown as KubeClient });
    const result = migrate(context, TARGET);
    if (reason === undefined) await expect(result).rejects.toBe(refused);
    else expect(await result).toMatchObject({ reason });
  });

  it.each([
    ["the newest Pod's message", [pod("b", NOW, "second"), pod("a", minutesAgo(1), "first")], "second"],
    ["the last line of it", [pod("b", NOW, "connecting\nno such role\n\n")], "no such role"],
    [
      "the Job's own message when a Pod left a blank one",
      [pod("b", NOW, " \n")],
      "Job has reached the specified backoff limit",
    ],
    ["the Job's own message when no Pod left one", [], "Job has reached the specified backoff limit"],
    [
      "nothing of another Job's Pod",
      [pod("b", NOW, "of another", "uid-earlier")],
      "Job has reached the specified backoff limit",
    ],
  ])("stalls when the Job failed, and shows %s", async (_what, pods, cause) => {
    const { context } = contextWith(
      [job("Failed", undefined, "Job has reached the specified backoff limit")],
      pods,
    );
    const message = `Job ${name} failed: ${cause}; fix the cause, then delete the Job to run it again`;
    expect(await migrate(context, TARGET)).toEqual({
      kind: "stalled",
      reason: "MigrationFailed",
      message,
    });
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "MigrationFailed", message },
    ]);
  });

  it("reports that no Pod left a message when the Job failed without one", async () => {
    const { context } = contextWith([job("Failed")]);
    expect(await migrate(context, TARGET)).toMatchObject({
      message: `Job ${name} failed: no Pod left a message; fix the cause, then delete the Job to run it again`,
    });
  });
});
