import { describe, expect, it } from "vitest";
import type { SecretObject } from "../../../../../src/api/object.ts";
import { secretFactsOf } from "../../../../../src/controllers/sovereign/secret-facts.ts";
import { checkDatabase } from "../../../../../src/controllers/sovereign/step/database.ts";
import { sha256Digest } from "../../../../../src/platform/canonical-json.ts";
import { condition, IMAGE, NOW, sovereign, verifiedOn } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const URL = "postgres://billing:secret@db:5432/billing";
const secret = (data: Record<string, string> = {}): SecretObject => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "billing-db" },
  data,
});
const factsOf = (stored?: SecretObject) =>
  secretFactsOf(sovereign("omantel"), new Map([["billing-db", stored]]), sha256Digest);
const withUrl = factsOf(secret({ uri: Buffer.from(URL).toString("base64") }));
const deployment = (availableReplicas: number) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "billing", generation: 1 },
  spec: { replicas: 2 },
  status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas },
});
const proven = (change: object = {}) => ({
  ...verifiedOn(IMAGE),
  conditions: [condition("DatabaseReady", "True")],
  ...change,
});

describe("checkDatabase", () => {
  it.each([
    ["cannot be watched", undefined],
    ["can no longer be watched", 150_000],
  ])("looks again soon for a Secret where Secrets %s", async (_, silentForMs) => {
    const context = contextOf(sovereign("omantel"));
    const { caches } = context.deps;
    const blind = { ...caches, secretVersions: { ...caches.secretVersions, silentForMs: () => silentForMs } };
    const stop = await checkDatabase(
      { ...context, deps: { ...context.deps, caches: blind } },
      factsOf(),
      undefined,
    );
    expect(stop).toMatchObject({ reason: "SecretMissing", retryAfterMs: 15_000 });
    expect(stop).not.toHaveProperty("isWatched");
  });

  it.each<[string, SecretObject | undefined, string, string]>([
    [
      "the Secret does not exist",
      undefined,
      "SecretMissing",
      "Secret sovereign-omantel/billing-db does not exist: create it with the Postgres URL under key uri",
    ],
    [
      "the Secret has no such key",
      secret({ url: "x" }),
      "KeyMissing",
      "Secret sovereign-omantel/billing-db has no key uri: add the Postgres URL under this key",
    ],
  ])("waits for the watch and probes nothing while %s", async (_why, stored, reason, message) => {
    const context = contextOf(sovereign("omantel"));
    expect(await checkDatabase(context, factsOf(stored), undefined)).toEqual({
      kind: "waiting",
      reason,
      message,
      retryAfterMs: 60_000,
      isWatched: true,
    });
    expect(context.findings.conditions).toEqual([
      { type: "DatabaseReady", status: "False", reason, message },
    ]);
  });

  it("waits while the database accepts no login, and says why", async () => {
    const context = contextOf(
      sovereign("omantel"),
      {},
      { probeDatabase: async () => ({ kind: "unready", reason: "nothing listens there" }) },
    );
    const message =
      "the database in Secret sovereign-omantel/billing-db, key uri, does not accept a login (nothing listens there): " +
      "check the database and the URL";
    expect(await checkDatabase(context, withUrl, undefined)).toMatchObject({
      kind: "waiting",
      reason: "DatabaseUnreachable",
      message,
      retryAfterMs: 600_000,
    });
    expect(context.findings.conditions).toEqual([
      { type: "DatabaseReady", status: "False", reason: "DatabaseUnreachable", message },
    ]);
  });

  it("does not probe when the Secret was deleted before the probe", async () => {
    const context = contextOf(sovereign("omantel"));
    const gone = { ...withUrl, databaseUrl: async () => undefined };
    expect(await checkDatabase(context, gone, undefined)).toMatchObject({
      reason: "DatabaseUnreachable",
      message: expect.stringContaining("(its Secret or its key is gone)"),
    });
  });

  it("does not wait for a probe that hangs, and later continues with its result", async () => {
    const answer = Promise.withResolvers<{ kind: "ready" }>();
    const context = contextOf(sovereign("omantel"), {}, { probeDatabase: () => answer.promise });
    const enqueued = Promise.withResolvers<string>();
    context.deps.probes.connect(enqueued.resolve, context.signal);
    const message =
      "the operator tries a login to the database in Secret sovereign-omantel/billing-db, key uri,";
    expect(await checkDatabase(context, withUrl, undefined)).toMatchObject({
      kind: "waiting",
      reason: "DatabaseProbing",
      message,
    });
    expect(context.findings.conditions).toEqual([]);
    answer.resolve({ kind: "ready" });
    expect(await enqueued.promise).toBe("omantel");
    expect(await checkDatabase(context, withUrl, undefined)).toBeUndefined();
  });

  it("stalls on another Sovereign's database, and looks again after a minute", async () => {
    const reason = "the database belongs to Sovereign bank.om: give this Sovereign a database of its own";
    const probeDatabase = async () => ({ kind: "foreign", reason }) as const;
    const context = contextOf(sovereign("omantel"), {}, { probeDatabase });
    const message = `Secret sovereign-omantel/billing-db, key uri: ${reason}`;
    expect(await checkDatabase(context, withUrl, undefined)).toEqual({
      kind: "stalled",
      reason: "DatabaseTaken",
      message,
    });
    expect(context.findings).toMatchObject({
      conditions: [{ type: "DatabaseReady", status: "False", reason: "DatabaseTaken", message }],
      requeueAfterMs: 60_000,
    });
    const sooner = contextOf(sovereign("omantel"), {}, { probeDatabase });
    sooner.findings.requeueAfterMs = 1_000;
    await checkDatabase(sooner, withUrl, undefined);
    expect(sooner.findings.requeueAfterMs).toBe(1_000);
  });

  it.each([
    [
      { kind: "ready" } as const,
      "DatabaseReachable",
      "the database in Secret sovereign-omantel/billing-db, key uri, accepts a login",
    ],
    [
      { kind: "untested", reason: "the URL names TLS files of the workload" } as const,
      "DatabaseUntested",
      "Secret sovereign-omantel/billing-db has a URL under key uri; the operator did not try a login: the URL names TLS files of the workload",
    ],
  ])("continues when the probe answers %j", async (answer, reason, message) => {
    const probed: object[] = [];
    const probeDatabase = async (asked: object) => {
      probed.push(asked);
      return answer;
    };
    const context = contextOf(sovereign("omantel"), {}, { probeDatabase });
    expect(await checkDatabase(context, withUrl, undefined)).toBeUndefined();
    expect(probed).toEqual([{ databaseUrl: URL, namespace: "sovereign-omantel", fqdn: "omantel.example" }]);
    expect(context.findings.conditions).toEqual([{ type: "DatabaseReady", status: "True", reason, message }]);
  });

  const restored = (schemaVersion: string | null | undefined, status: object) => {
    const answer = { kind: "ready", ...(schemaVersion === undefined ? {} : { schemaVersion }) } as const;
    return contextOf(sovereign("omantel", {}, status), {}, { probeDatabase: async () => answer });
  };
  const migrated = (database = withUrl.database ?? "") => ({
    ...proven(),
    migration: { image: IMAGE, database },
  });

  it("stalls on an empty database in place of one that was migrated, and looks again after a minute", async () => {
    const context = restored(null, migrated());
    const message =
      "Secret sovereign-omantel/billing-db, key uri: the database has no billing schema, and it was migrated before: restore its backup; to begin with an empty database, delete the Secret and create it again";
    expect(await checkDatabase(context, withUrl, undefined)).toEqual({
      ...{ kind: "stalled", reason: "DatabaseEmpty", message },
    });
    expect(context.findings).toMatchObject({
      conditions: [{ type: "DatabaseReady", status: "False", reason: "DatabaseEmpty", message }],
      requeueAfterMs: 60_000,
    });
  });

  it.each<[string, string | null | undefined, object, string | null | undefined]>([
    ["of a database that was verified", "0003", migrated(), "0003"],
    ["of another, empty database", null, migrated("sha256:other"), null],
    ["of no database before the first verification", null, {}, undefined],
    ["of no database whose version it may not read", undefined, migrated(), undefined],
  ])("reports the schema version %s", async (_which, version, status, expected) => {
    const context = restored(version, status);
    expect(await checkDatabase(context, withUrl, undefined)).toBeUndefined();
    expect(context.findings.databaseVersion).toBe(expected);
  });

  it("does not use a login from before the first verification afterwards", async () => {
    const context = restored(null, {});
    await checkDatabase(context, withUrl, undefined);
    const later = { ...context, sovereign: sovereign("omantel", {}, migrated()) };
    const probeDatabase = async () => ({ kind: "ready", schemaVersion: "0005" }) as const;
    await checkDatabase({ ...later, deps: { ...context.deps, probeDatabase } }, withUrl, undefined);
    expect(later.findings.databaseVersion).toBe("0005");
  });

  it.each([
    ["a workload serves and its smoke test passed", proven(), deployment(2), 0],
    ["no workload runs", proven(), undefined, 1],
    ["the rollout is not finished", proven(), deployment(1), 1],
    ["the database was not ready", proven({ conditions: [] }), deployment(2), 1],
    [
      "the smoke test failed",
      proven({ lastSmokeTest: { time: NOW, passed: false, steps: [] } }),
      deployment(2),
      1,
    ],
    ["there was no smoke test", proven({ lastSmokeTest: undefined }), deployment(2), 1],
    ["there is no status", undefined, deployment(2), 1],
  ])("when %s, it probes as often as needed", async (_when, status, running, probes) => {
    let count = 0;
    const probeDatabase = async () => {
      count += 1;
      return { kind: "ready" } as const;
    };
    const context = contextOf(sovereign("omantel", {}, status), {}, { probeDatabase });
    expect(await checkDatabase(context, withUrl, running)).toBeUndefined();
    expect(count).toBe(probes);
    expect(context.findings.conditions).toHaveLength(probes);
  });
});
