import { describe, expect, it } from "vitest";
import type { DeploymentObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { checkRollout } from "../../../../../src/controllers/sovereign/step/rollout.ts";
import { sovereign } from "../../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../../support/builder/reconcile-context.ts";

const deployment = (status: DeploymentObject["status"] & object): DeploymentObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "billing", generation: 1 },
  spec: { replicas: 2 },
  status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, ...status },
});
const progressing = (reason: string, message?: string) => ({
  type: "Progressing",
  status: "False",
  reason,
  ...(message === undefined ? {} : { message }),
});
const HELP = ": look at the billing Pods' events and logs; the rollout continues when they become ready";

describe("checkRollout", () => {
  it("continues when every replica runs the image", () => {
    const context = contextOf(sovereign("omantel"));
    expect(checkRollout(context, deployment({ availableReplicas: 2 }))).toBeUndefined();
    expect(context.findings.conditions).toEqual([
      {
        type: "RolledOut",
        status: "True",
        reason: "RolledOut",
        message: "2 replicas run the pinned image",
      },
    ]);
  });

  it("waits for replicas", () => {
    const context = contextOf(sovereign("omantel"));
    const message = "1 of 2 replicas are available";
    const conditions = [progressing("ReplicaSetUpdated")];
    expect(checkRollout(context, deployment({ availableReplicas: 1, conditions }))).toEqual({
      kind: "waiting",
      reason: "RollingOut",
      message,
      retryAfterMs: 15_000,
    });
    expect(context.findings.conditions).toEqual([
      { type: "RolledOut", status: "False", reason: "RollingOut", message },
    ]);
  });

  it.each([
    ['ReplicaSet "billing-1" has timed out progressing', 'ReplicaSet "billing-1" has timed out progressing'],
    [undefined, "ProgressDeadlineExceeded"],
  ])("stalls when the progress deadline has passed, with the message %s", (said, shown) => {
    const context = contextOf(sovereign("omantel"));
    const conditions = [
      { type: "Available", status: "True", reason: "ProgressDeadlineExceeded" },
      progressing("ProgressDeadlineExceeded", said),
    ];
    const message = `${shown}${HELP}`;
    expect(checkRollout(context, deployment({ availableReplicas: 1, conditions }))).toEqual({
      kind: "stalled",
      reason: "ProgressDeadlineExceeded",
      message,
    });
    expect(context.findings.conditions).toEqual([
      { type: "RolledOut", status: "False", reason: "ProgressDeadlineExceeded", message },
    ]);
  });
});
