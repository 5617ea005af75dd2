import { describe, expect, it } from "vitest";
import type { DeploymentObject, PodObject } from "../../../../../src/controllers/sovereign/observed.ts";
import { checkRollout, observeRunning } from "../../../../../src/controllers/sovereign/step/rollout.ts";
import {
  condition,
  IMAGE,
  NEXT_IMAGE,
  sovereign,
  verifiedOn,
} from "../../../../support/builder/catalyst-object.ts";
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
const HELP = ": look at the billing Pods' events and logs; the rollout continues when the Pods become ready";

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
      retryAfterMs: 60_000,
      isWatched: true,
    });
    expect(context.findings.conditions).toEqual([
      { type: "RolledOut", status: "False", reason: "RollingOut", message },
    ]);
  });

  const crashed: PodObject = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "billing-1",
      namespace: "sovereign-omantel",
      labels: { "app.kubernetes.io/name": "billing" },
    },
    status: {
      containerStatuses: [
        {
          name: "billing",
          state: { waiting: { reason: "CrashLoopBackOff" } },
          lastState: { terminated: { exitCode: 2, message: "no such role" } },
        },
      ],
    },
  };
  const CRASH = "container billing of Pod billing-1 ended with exit code 2: no such role";

  it("says why a Pod fails, in one Event however often it looks", () => {
    const context = contextOf(sovereign("omantel"), { pods: [crashed] });
    const message = `1 of 2 replicas are available: ${CRASH}`;
    for (const _ of [1, 2])
      expect(checkRollout(context, deployment({ availableReplicas: 1 }))).toEqual({
        ...{ kind: "waiting", reason: "ContainerCrashed", message, retryAfterMs: 60_000, isWatched: true },
      });
    expect(context.events).toEqual([{ type: "Warning", reason: "ContainerCrashed", message }]);
    const later = contextOf(
      sovereign(
        "omantel",
        {},
        { conditions: [{ ...condition("RolledOut", "False"), reason: "ContainerCrashed" }] },
      ),
      { pods: [crashed] },
    );
    checkRollout(later, deployment({ availableReplicas: 1 }));
    expect(later.events).toEqual([]);
  });

  it("prefers the API server's refusal to the failure of a Pod", () => {
    const context = contextOf(sovereign("omantel"), { pods: [crashed] });
    const conditions = [
      { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
    ];
    expect(checkRollout(context, deployment({ availableReplicas: 1, conditions }))).toMatchObject({
      reason: "PodsRefused",
      message:
        "1 of 2 replicas are available: the API server refuses its Pods: exceeded quota: change the quota, the limit range or the policy that refuses them",
    });
  });

  it("says after the progress deadline why the Pods fail", () => {
    const context = contextOf(sovereign("omantel"), { pods: [crashed] });
    const conditions = [progressing("ProgressDeadlineExceeded", "timed out")];
    expect(checkRollout(context, deployment({ availableReplicas: 1, conditions }))).toEqual({
      kind: "stalled",
      reason: "ProgressDeadlineExceeded",
      message: `timed out: ${CRASH}; the rollout continues when the Pods become ready`,
    });
  });

  it.each([
    ["no Pod is available", 0, ["RolledOut=False", "VoucherShapeVerified=Unknown"]],
    ["one Pod is available", 1, ["RolledOut=False"]],
  ])("reports the rollout and the verification while %s", (_when, availableReplicas, expected) => {
    const context = contextOf(sovereign("omantel", {}, verifiedOn(IMAGE)));
    checkRollout(context, deployment({ availableReplicas }));
    expect(context.findings.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(expected);
  });

  it("gives the rollout as the reason when a verification was Unknown through a refused write and no Pod is available", () => {
    const shape = { ...condition("VoucherShapeVerified", "Unknown"), reason: "WriteForbidden" };
    const context = contextOf(sovereign("omantel", {}, { ...verifiedOn(IMAGE), conditions: [shape] }));
    checkRollout(context, deployment({ availableReplicas: 0 }));
    expect(context.findings.conditions).toContainEqual(
      expect.objectContaining({ type: "VoucherShapeVerified", status: "Unknown", reason: "RollingOut" }),
    );
  });

  it.each([
    ['ReplicaSet "billing-1" has timed out progressing', 'ReplicaSet "billing-1" has timed out progressing'],
    [undefined, "ProgressDeadlineExceeded"],
  ])("stalls when the progress deadline has passed, with the message %s", (given, shown) => {
    const context = contextOf(sovereign("omantel"));
    const conditions = [
      { type: "Available", status: "True", reason: "ProgressDeadlineExceeded" },
      progressing("ProgressDeadlineExceeded", given),
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

describe("observeRunning", () => {
  it.each<[string, string, number, string[]]>([
    ["ends while another step waits", IMAGE, 2, ["RolledOut=True"]],
    ["has not ended", IMAGE, 1, ["RolledOut=False"]],
    ["is of an earlier image than the pinned one", NEXT_IMAGE, 2, []],
  ])("shows a rollout that %s", (_which, pinnedImage, availableReplicas, expected) => {
    const conditions = [{ ...condition("RolledOut", "False"), reason: "RollingOut" }];
    const context = contextOf(sovereign("omantel", {}, { pinnedImage, conditions }));
    observeRunning(context, { image: IMAGE, deployment: deployment({ availableReplicas }) });
    expect(context.findings.conditions.map(({ type, status }) => `${type}=${status}`)).toEqual(expected);
  });
});
