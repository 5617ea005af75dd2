import { describe, expect, it } from "vitest";
import { desiredMigrationJob } from "../../../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { migrate, migratedImage } from "../../../../../src/controllers/sovereign/step/migration.ts";
import type { KubeClient } from "../../../../../src/kube/client.ts";
import { condition, IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const DATABASE = `sha256:${"d".repeat(64)}`;
const SECRETS = new Map([
  [
    "billing-db",
    {
      ...{ apiVersion: "v1", kind: "Secret", metadata: { name: "billing-db" } },
      data: { uri: Buffer.from("postgres://billing@db/billing").toString("base64") },
    },
  ],
]);
const TARGET = { image: IMAGE, database: DATABASE, secrets: SECRETS };
const own = sovereign("omantel");
const desired = desiredMigrationJob(own, IMAGE, DATABASE);
const { name } = desired.metadata;
const RESULT = JSON.stringify({ version: "0005", fingerprint: "sha256:b" });
const minutesAgo = (minutes: number) =>
  new Date(Date.parse(NOW) - Math.round(minutes * 60_000)).toISOString();

function job(type?: "Complete" | "Failed", completionTime?: string, message?: string): JobObject {
  const conditions = [
    { type: "Suspended", status: "False" },
    ...(type === undefined ? [] : [{ type, status: "True", ...(message === undefined ? {} : { message }) }]),
  ];
  return {
    ...desired,
    metadata: { ...desired.metadata, uid: "uid-job" },
    status: { conditions, ...(completionTime === undefined ? {} : { completionTime }) },
  };
}

function pod(podName: string, createdAt: string, message: string, owner = "uid-job"): PodObject {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: podName,
      namespace: "sovereign-omantel",
      creationTimestamp: createdAt,
      ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name, uid: owner }],
    },
    status: { containerStatuses: [{ name: "migrate", state: { terminated: { exitCode: 0, message } } }] },
  };
}

/** `live` are the Pods that the API server has. */
function contextWith(
  jobs: JobObject[],
  pods: PodObject[] = [],
  status?: Parameters<typeof sovereign>[2],
  live = pods,
) {
  const deleted: unknown[][] = [];
  const client = {
    list: async () => ({ items: live, resourceVersion: "1" }),
    delete: async (...call: unknown[]) => {
      deleted.push(call);
      return true;
    },
  } as unknown as KubeClient;
  return { context: contextOf(sovereign("omantel", {}, status), { jobs, pods }, { client }), deleted };
}

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

describe("migrate", () => {
  it("records the image, the database and the schema when the Job is complete", async () => {
    const { context } = contextWith([job("Complete", NOW)], [pod("p", NOW, RESULT)]);
    expect(await migrate(context, TARGET)).toBeUndefined();
    expect(context.findings.facts).toEqual({
      migration: { image: IMAGE, database: DATABASE },
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
    const { context } = contextWith([job("Complete", NOW)], [pod("p", NOW, RESULT)], status);
    const reports: unknown[] = [];
    context.report = async ({ facts, stop }) => void reports.push([facts.migration?.image, stop?.reason]);
    expect(await migrate(context, TARGET)).toBeUndefined();
    expect(reports).toEqual(Array.from({ length: count }, () => [IMAGE, "RollingOut"]));
  });

  it.each([
    ["no condition", [], 1],
    ["a false one", [condition("Migrated", "False")], 1],
    ["a true one", [condition("Migrated", "True")], 0],
  ])("runs nothing for an image that was migrated, and mends %s", async (_which, conditions, count) => {
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
    const { context } = contextWith([job()], [], { migration });
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating" });
    expect(context.findings.facts).toEqual({});
  });

  it("waits for a Job that runs, and shows why its container waits", async () => {
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
    ["at first", 9_999 / 60_000, ""],
    [
      "later",
      10_001 / 60_000,
      `: it has no Pod; kubectl -n sovereign-omantel describe job ${name} says whether a quota or a policy refuses it`,
    ],
  ])("says of a Job without a Pod %s what it waits for", async (_when, minutes, hint) => {
    const open = job();
    const created = { ...open, metadata: { ...open.metadata, creationTimestamp: minutesAgo(minutes) } };
    const { context } = contextWith([created]);
    expect(await migrate(context, TARGET)).toMatchObject({
      reason: "Migrating",
      message: `Job ${name} has not finished yet${hint}`,
    });
  });

  it("takes no result from a Job that has not finished", async () => {
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

  it("keeps a Job whose result the API server has, however late the clock says it is", async () => {
    const live = [pod("p", NOW, RESULT)];
    const { context, deleted } = contextWith([job("Complete", minutesAgo(120))], [], undefined, live);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating", retryAfterMs: 1_000 });
    expect(deleted).toEqual([]);
  });

  it.each([
    ["when the result is lost", minutesAgo(0.5), 30_000],
    ["at most a minute later by a clock that is behind", minutesAgo(-120), 60_000],
  ])("looks again %s", async (_when, endedAt, retryAfterMs) => {
    const { context } = contextWith([job("Complete", endedAt)]);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating", retryAfterMs });
  });

  it("deletes a Job without a uid by its name", async () => {
    const lost = job("Complete", minutesAgo(5));
    const { uid: _, ...metadata } = lost.metadata;
    const { context, deleted } = contextWith([{ ...lost, metadata }]);
    await migrate(context, TARGET);
    expect(deleted.map(([, , options]) => options)).toStrictEqual([{}]);
  });

  it("keeps a Job without a completion time", async () => {
    const { context, deleted } = contextWith([job("Complete")]);
    await migrate(context, TARGET);
    expect(deleted).toEqual([]);
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

  it("says so when nothing says why the Job failed", async () => {
    const { context } = contextWith([job("Failed")]);
    expect(await migrate(context, TARGET)).toMatchObject({
      message: `Job ${name} failed: no Pod left a message; fix the cause, then delete the Job to run it again`,
    });
  });

  /** A server with these Jobs and Pods, and the calls that a reconcile makes to it. */
  function serverWith(jobs: JobObject[], pods: PodObject[] = []) {
    const calls: string[] = [];
    const client = {
      list: async ({ kind }: { kind: string }, scope: unknown) => {
        calls.push(`list ${kind}`);
        expect(scope).toEqual({
          namespace: "sovereign-omantel",
          labelSelector:
            "catalyst.openova.io/managed-by=operator,catalyst.openova.io/sovereign=omantel,app.kubernetes.io/name=billing-migrate",
        });
        return { items: kind === "Job" ? jobs : pods, resourceVersion: "1" };
      },
      create: async (_resource: unknown, created: unknown) => {
        calls.push("create");
        expect(created).toEqual(desired);
        return job();
      },
      delete: async (_resource: unknown, key: { name: string }, options: unknown) => {
        calls.push(`delete ${key.name} ${JSON.stringify(options)}`);
        return true;
      },
    } as unknown as KubeClient;
    return { client, calls };
  }
  const jobOf = (image: string, type?: "Complete" | "Failed", deletionTimestamp?: string): JobObject => {
    const other = desiredMigrationJob(own, image, DATABASE);
    const uid = `uid-${type ?? "open"}`;
    return {
      ...other,
      metadata: { ...other.metadata, uid, ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) },
      status: { conditions: type === undefined ? [] : [{ type, status: "True" }] },
    };
  };
  const otherName = jobOf(NEXT_IMAGE).metadata.name;
  const inPhase = (phase: string): PodObject => ({ ...pod("p", NOW, ""), kind: "Pod", status: { phase } });

  it.each<[string, JobObject[], PodObject[], string[]]>([
    ["reads a Job that the cache does not contain yet", [job()], [], ["list Job"]],
    ["creates a Job that does not exist", [], [], ["list Job", "list Pod", "create"]],
    [
      "keeps finished Jobs and their Pods",
      [jobOf(NEXT_IMAGE, "Complete"), jobOf(NEXT_IMAGE, "Failed")],
      [inPhase("Succeeded"), inPhase("Failed")],
      ["list Job", "list Pod", "create"],
    ],
  ])("%s", async (_what, jobs, pods, expected) => {
    const { client, calls } = serverWith(jobs, pods);
    const context = contextOf(own, {}, { client });
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating" });
    expect(calls).toEqual(expected);
  });

  it.each<[string, JobObject[], PodObject[], string[], string]>([
    [
      "an unfinished Job of another image",
      [jobOf(NEXT_IMAGE)],
      [],
      [`delete ${otherName} {"uid":"uid-open"}`],
      `Job ${otherName}`,
    ],
    [
      "a Job that is being deleted, and asks once",
      [jobOf(NEXT_IMAGE, undefined, NOW)],
      [],
      [],
      `Job ${otherName}`,
    ],
    ["a Pod whose Job is gone", [], [inPhase("Running")], [], "Pod p"],
  ])("creates no Job before %s is gone", async (_which, jobs, pods, deletions, what) => {
    const { client, calls } = serverWith(jobs, pods);
    const context = contextOf(own, {}, { client });
    const message = `${what} migrates to another image or database: the operator deletes it and waits until it is gone`;
    expect(await migrate(context, TARGET)).toEqual({
      ...{ kind: "waiting", reason: "MigrationSuperseded", message, retryAfterMs: 1_000 },
    });
    expect(calls).toEqual(["list Job", ...deletions, "list Pod"]);
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "MigrationSuperseded", message },
    ]);
    expect(context.events.map(({ reason }) => reason)).toEqual(deletions.map(() => "MigrationSuperseded"));
  });

  it("creates no Job before the Secret of the migrating role has its key, and names the rule", async () => {
    const { client, calls } = serverWith([]);
    const get = async () => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "owner" }, data: {} });
    const migrationSecretRef = { name: "owner", key: "migrationUri" };
    const { billing } = own.spec;
    const database = { ...billing.database, migrationSecretRef };
    const split = sovereign("omantel", { billing: { ...billing, database } });
    const context = contextOf(split, {}, { client: { ...client, get } as unknown as KubeClient });
    const message =
      "Secret sovereign-omantel/owner has no key migrationUri: add it; its value must be a postgres:// URL";
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "KeyMissing", message });
    expect(calls).toEqual(["list Job", "list Pod"]);
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "KeyMissing", message },
    ]);
  });

  it.each([
    ["the image that runs is migrated already", [], { migration: { image: IMAGE, database: DATABASE } }],
    ["its own Job is there already", [job()], {}],
  ])("deletes an unfinished Job of another image when %s", async (_when, known, status) => {
    const { client, calls } = serverWith([]);
    const jobs = [...known, jobOf(NEXT_IMAGE), jobOf(`${NEXT_IMAGE}0`, "Complete")];
    await migrate(contextOf(sovereign("omantel", {}, status), { jobs }, { client }), TARGET);
    expect(calls).toEqual([`delete ${otherName} {"uid":"uid-open"}`]);
  });
});
