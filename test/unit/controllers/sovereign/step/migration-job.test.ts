import { describe, expect, it } from "vitest";
import { desiredMigrationJob } from "../../../../../src/controllers/sovereign/desired-migration.ts";
import type { JobObject, PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { migrate } from "../../../../../src/controllers/sovereign/step/migration.ts";
import type { Applier } from "../../../../../src/kube/apply.ts";
import type { KubeClient } from "../../../../../src/kube/client.ts";
import { IMAGE, NEXT_IMAGE, NOW, sovereign } from "../../../../support/builder/catalyst-object.ts";
import { DATABASE, desired, job, own, pod, TARGET } from "../../../../support/builder/migration-job.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

describe("the Jobs of migrations", () => {
  /** A server with these Jobs and Pods, and a record of the calls that a reconcile makes. */
  function serverWith(jobs: JobObject[], pods: PodObject[] = [], isFirst = false) {
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
      delete: async (_resource: unknown, key: { name: string }, options: unknown) => {
        calls.push(`delete ${key.name} ${JSON.stringify(options)}`);
        return true;
      },
    } as unknown as KubeClient;
    const applier = {
      hasNone: (kind: string, namespace: string) =>
        isFirst && kind === "Job" && namespace === "sovereign-omantel",
      create: async (created: unknown) => {
        calls.push("create");
        expect(created).toEqual(desired);
        return job();
      },
    } as unknown as Applier;
    return { deps: { client, applier }, calls };
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
  const held = (pod: PodObject): PodObject => ({
    ...pod,
    metadata: { ...pod.metadata, deletionTimestamp: NOW, finalizers: ["example.com/held"] },
  });
  const inPhase = (phase: string): PodObject => ({ ...pod("p", NOW, ""), kind: "Pod", status: { phase } });

  it.each<[string, JobObject[], PodObject[], string[]]>([
    ["include one that the cache does not contain yet", [job()], [], ["list Job"]],
    ["are created when none exists", [], [], ["list Job", "list Pod", "create"]],
    [
      "stay with their Pods when they have finished",
      [jobOf(NEXT_IMAGE, "Complete"), jobOf(NEXT_IMAGE, "Failed")],
      [inPhase("Succeeded"), inPhase("Failed")],
      ["list Job", "list Pod", "create"],
    ],
  ])("%s", async (_what, jobs, pods, expected) => {
    const { deps, calls } = serverWith(jobs, pods);
    const context = contextOf(own, {}, deps);
    expect(await migrate(context, TARGET)).toMatchObject({ reason: "Migrating" });
    expect(calls).toEqual(expected);
  });

  it("are created without a list request in a namespace that this process created", async () => {
    const { deps, calls } = serverWith([], [], true);
    expect(await migrate(contextOf(own, {}, deps), TARGET)).toMatchObject({ reason: "Migrating" });
    expect(calls).toEqual(["create"]);
  });

  it.each<[string, JobObject[], PodObject[], string[], string, string?]>([
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
      `. It is being deleted since ${NOW}: kubectl -n sovereign-omantel describe job ${otherName} shows what holds it`,
    ],
    [
      "a Pod that a finalizer keeps",
      [],
      [held(inPhase("Running"))],
      [],
      "Pod p",
      `. It is being deleted since ${NOW}; its finalizers are example.com/held: kubectl -n sovereign-omantel describe pod p shows what holds it`,
    ],
    ["a Pod whose Job is gone", [], [inPhase("Running")], [], "Pod p"],
  ])("are not created before %s is gone", async (_which, jobs, pods, deletions, what, held = "") => {
    const { deps, calls } = serverWith(jobs, pods);
    const context = contextOf(own, {}, deps);
    const message = `${what} migrates to another image or database: the operator deletes it and waits until it is gone${held}`;
    // The watches of Jobs and Pods end the wait.
    expect(await migrate(context, TARGET)).toEqual({
      ...{ kind: "waiting", reason: "MigrationSuperseded", message, retryAfterMs: 60_000, isWatched: true },
    });
    expect(calls).toEqual(["list Job", ...deletions, "list Pod"]);
    expect(context.findings.conditions).toEqual([
      { type: "Migrated", status: "False", reason: "MigrationSuperseded", message },
    ]);
    expect(context.events.map(({ reason }) => reason)).toEqual(deletions.map(() => "MigrationSuperseded"));
  });

  it("have another name after each migration, so that none from an earlier time counts", () => {
    const nameWith = (migration?: { image: string; job?: string }) => {
      const status = migration === undefined ? {} : { migration: { ...migration, database: DATABASE } };
      return desiredMigrationJob(sovereign("omantel", {}, status), IMAGE, DATABASE).metadata.name;
    };
    // A status that an earlier operator wrote has no name of a Job.
    const found = [undefined, {}, { job: "one" }, { job: "two" }].map((last) =>
      nameWith(last && { image: NEXT_IMAGE, ...last }),
    );
    expect(found[0]).toBe(desired.metadata.name);
    expect(new Set(found).size).toBe(4);
    expect(nameWith({ image: NEXT_IMAGE, job: "one" })).toBe(found[2]);
  });

  it("are not created before the Secrets of their Pod are complete", async () => {
    const { deps, calls } = serverWith([]);
    const context = contextOf(own, {}, deps);
    const problem = { reason: "KeyMissing", message: "Secret ns/owner has no key" } as const;
    expect(await migrate(context, { ...TARGET, problem })).toMatchObject({ kind: "waiting", ...problem });
    expect(calls).toEqual(["list Job", "list Pod"]);
    expect(context.findings.conditions).toEqual([{ type: "Migrated", status: "False", ...problem }]);
  });

  it.each([
    ["the image that runs is migrated already", [], { migration: { image: IMAGE, database: DATABASE } }],
    ["its own Job is there already", [job()], {}],
  ])("are deleted when they are unfinished and of another image, and %s", async (_when, known, status) => {
    const { deps, calls } = serverWith([]);
    const jobs = [...known, jobOf(NEXT_IMAGE), jobOf(`${NEXT_IMAGE}0`, "Complete")];
    await migrate(contextOf(sovereign("omantel", {}, status), { jobs }, deps), TARGET);
    expect(calls).toEqual([`delete ${otherName} {"uid":"uid-open"}`]);
  });

  it("stay when the status has their result, although a late cache shows them unfinished", async () => {
    const { deps, calls } = serverWith([]);
    const status = { migration: { image: IMAGE, database: DATABASE, job: job().metadata.name } };
    const context = contextOf(sovereign("omantel", {}, status), { jobs: [job()] }, deps);
    expect(await migrate(context, TARGET)).toBe(undefined);
    expect(calls).toEqual([]);
    expect(context.events).toEqual([]);
  });
});
