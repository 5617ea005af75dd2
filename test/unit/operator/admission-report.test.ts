import { pino } from "pino";
import { beforeEach, describe, expect, it } from "vitest";
import { createDenialReport, parseRows } from "../../../src/admission/denial-report.ts";
import type { ConfigMapObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { writeAdmissionReport } from "../../../src/operator/admission-report.ts";
import { creation } from "../../support/builder/admission-request.ts";

/** One ConfigMap, with optimistic concurrency as an API server has it. */
let stored: ConfigMapObject | undefined;
let version: number;
let refuseWrites: boolean;
let othersKeepWriting: boolean;

async function write(object: ConfigMapObject): Promise<ConfigMapObject> {
  if (refuseWrites) throw new KubeError("no right", { status: 403, reason: "Forbidden" });
  if (othersKeepWriting || object.metadata.resourceVersion !== stored?.metadata.resourceVersion)
    throw new KubeError("changed", {
      status: 409,
      reason: stored === undefined ? "Conflict" : "AlreadyExists",
    });
  version += 1;
  stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  return stored;
}

const client = {
  get: async () => stored,
  create: (_: unknown, object: ConfigMapObject) => write(object),
  replace: (_: unknown, object: ConfigMapObject) => write(object),
} as unknown as Pick<KubeClient, "get" | "create" | "replace">;

beforeEach(() => {
  stored = undefined;
  version = 0;
  refuseWrites = false;
  othersKeepWriting = false;
});

function replica(...users: string[]) {
  const report = createDenialReport();
  for (const username of users)
    report.record(
      creation({ user: { username, groups: [] } }),
      "tenant",
      { rule: "image-digest", path: "spec.image", message: "write a digest" },
      new Date("2026-06-01T00:00:00Z"),
    );
  const stop = new AbortController();
  const logger = pino({ enabled: false });
  const done = writeAdmissionReport({ client, report, logger, signal: stop.signal, intervalMs: 60_000 });
  return {
    report,
    /** Ends the replica, which writes its rows once more. */
    stop: () => {
      stop.abort();
      return done;
    },
  };
}

const counts = () =>
  Object.fromEntries(parseRows(stored?.data?.["report.json"] ?? "").map(({ user, count }) => [user, count]));

describe("writeAdmissionReport", () => {
  it("writes ConfigMap catalyst-system/catalyst-admission-report", async () => {
    await replica("salma").stop();
    expect(stored?.metadata).toMatchObject({
      name: "catalyst-admission-report",
      namespace: "catalyst-system",
    });
    expect(counts()).toEqual({ salma: 1 });
  });

  it("adds the rows of all replicas, also of those that write at the same moment", async () => {
    await Promise.all(
      [replica("salma", "omar"), replica("salma"), replica("noor")].map(({ stop }) => stop()),
    );
    expect(counts()).toEqual({ salma: 2, omar: 1, noor: 1 });
    await replica("noor").stop();
    expect(counts()).toEqual({ salma: 2, omar: 1, noor: 2 });
  });

  it("writes nothing without a row", async () => {
    await replica().stop();
    expect(stored).toBeUndefined();
  });

  it("keeps the rows that could not be written", async () => {
    refuseWrites = true;
    const { report, stop } = replica("salma");
    await stop();
    expect(report.take().map(({ user }) => user)).toEqual(["salma"]);
  });

  it("keeps the rows when other clients write before each attempt", async () => {
    othersKeepWriting = true;
    const { report, stop } = replica("salma");
    await stop();
    expect(stored).toBeUndefined();
    expect(report.take().map(({ user }) => user)).toEqual(["salma"]);
  });

  it("replaces a report that is not one", async () => {
    stored = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "x" },
      data: { "report.json": "{", other: "kept" },
    };
    await replica("salma").stop();
    expect(counts()).toEqual({ salma: 1 });
    expect(stored.data?.other).toBe("kept");
  });
});
