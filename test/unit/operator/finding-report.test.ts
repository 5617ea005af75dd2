import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { ConfigMapObject } from "../../../src/api/object.ts";
import { parseFindings } from "../../../src/api/policy-finding.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { createFindingRows, writeFindingReport } from "../../../src/operator/finding-report.ts";
import { deployment, image, workloadInstall } from "../../support/builder/install-request.ts";

const NOW = new Date("2026-06-01T00:00:00.000Z");
const now = () => NOW;
const install = workloadInstall(deployment([image("a")]));
const finding = (message = "it has not run") => ({
  ...{ policy: "live", rule: "soak" as const, enforcement: "Deny" as const },
  violation: { rule: "environment-soak" as const, path: "spec", message },
});

describe("the findings of a replica", () => {
  it("name the user, the rule, the environment and the object", () => {
    const rows = createFindingRows(now);
    rows.record(finding(), install);
    rows.record(finding(), install);
    expect(rows.take()).toEqual([
      {
        ...{ policy: "live", rule: "soak", enforcement: "Deny", count: 2, lastTime: NOW.toISOString() },
        ...{ environment: "acme-prod", user: "amal", object: "deployments/shop", message: "it has not run" },
      },
    ]);
    expect(rows.take()).toEqual([]);
  });

  it("are shortened to the lengths of the status, whatever a requester sends", () => {
    const rows = createFindingRows(now);
    const user = { ...install.user, username: "x".repeat(5_000) };
    rows.record(finding("y".repeat(5_000)), { ...install, user, name: "z".repeat(5_000) });
    const [row] = rows.take();
    expect([row?.user.length, row?.object.length, row?.message.length]).toEqual([256, 512, 2_048]);
    rows.record(finding(), { ...install, user: { ...install.user, username: "" } });
    expect(rows.take()[0]?.user).toBe("(no name)");
  });

  it("are added to those of the other replicas, and kept when they cannot be written", async () => {
    let stored: ConfigMapObject | undefined;
    let isRefused = true;
    const write = async (_: unknown, object: ConfigMapObject) => {
      if (isRefused) throw new Error("no right");
      stored = object;
      return object;
    };
    const client = { get: async () => stored, create: write, replace: write } as unknown as KubeClient;
    const run = async (rows: ReturnType<typeof createFindingRows>) => {
      const stop = new AbortController();
      const writing = writeFindingReport({
        ...{ client, rows, now, logger: pino({ level: "silent" }), signal: stop.signal, intervalMs: 1 },
      });
      stop.abort();
      await writing;
    };
    const [one, other] = [createFindingRows(now), createFindingRows(now)];
    one.record(finding(), install);
    await run(one);
    expect(stored).toBeUndefined();
    isRefused = false;
    await run(one);
    other.record(finding(), install);
    await run(other);
    expect(parseFindings(stored)).toMatchObject([{ policy: "live", count: 2 }]);
    expect(stored?.metadata).toEqual({ name: "catalyst-policy-findings", namespace: "catalyst-system" });
  });
});
