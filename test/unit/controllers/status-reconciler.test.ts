import pino from "pino";
import { describe, expect, it } from "vitest";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { createStatusReconciler } from "../../../src/controllers/status-reconciler.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { condition, NOW, sovereign } from "../../support/builder/catalyst-object.ts";
import { contextOf, fixedInformer } from "../../support/builder/reconcile-context.ts";

/** Reconciles one object. The API server first refuses this many writes. */
function reconcilerOf(refusals: number, announced: string[]) {
  const lines: { msg: string }[] = [];
  let writes = 0;
  const client = {
    apply: async (_resource: unknown, object: Sovereign) => {
      writes += 1;
      if (writes <= refusals) throw new KubeError("try again", { status: 500, reason: "InternalError" });
      return { ...object, metadata: { ...object.metadata, resourceVersion: String(writes) } };
    },
  } as unknown as KubeClient;
  const { deps } = contextOf(sovereign("one"));
  const reconcile = createStatusReconciler<Sovereign>(
    {
      ...{ client, fieldManager: "us", events: deps.events, now: () => new Date(NOW) },
      logger: pino({}, { write: (line) => void lines.push(JSON.parse(line)) }),
    },
    {
      kind: SOVEREIGN,
      objects: fixedInformer<Sovereign>(resourceOf(SOVEREIGN), [sovereign("one")]),
      desiredReport: () => ({
        status: { conditions: [{ ...condition("Ready", "False"), reason: "Canary" }] },
        outcome: { kind: "done" },
        announce: () => void announced.push("Canary"),
      }),
    },
  );
  return { reconcile: () => reconcile("one", new AbortController().signal), lines };
}

describe("createStatusReconciler", () => {
  it("announces a transition once, when it is written, and logs no other line", async () => {
    const announced: string[] = [];
    const { reconcile, lines } = reconcilerOf(1, announced);
    await expect(reconcile()).rejects.toThrow("try again");
    expect(announced).toEqual([]);
    await reconcile();
    expect(announced).toEqual(["Canary"]);
    expect(lines).toEqual([]);
  });
});
