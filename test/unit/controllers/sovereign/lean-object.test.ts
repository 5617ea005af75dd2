import { describe, expect, it } from "vitest";
import { leanJob, leanPod } from "../../../../src/controllers/sovereign/lean-object.ts";
import type { JobObject, PodObject } from "../../../../src/controllers/sovereign/observed.ts";

const metadata = {
  ...{ name: "billing-1", namespace: "sovereign-omantel", uid: "u", resourceVersion: "7" },
  ...{ creationTimestamp: "2026-11-30T00:00:00Z", labels: { app: "billing" } },
  ownerReferences: [{ apiVersion: "batch/v1", kind: "Job", name: "migrate", uid: "j" }],
};
const stored = { ...metadata, annotations: { note: "x" }, managedFields: [{ manager: "kubelet" }] };
const conditions = [{ type: "Ready", status: "True" }];

describe("the objects that a cache keeps lean", () => {
  it("are Pods with their metadata, images, address and container states", () => {
    const waiting = { name: "billing", image: "x", state: { waiting: { reason: "ErrImagePull" } } };
    const ended = { name: "init", lastState: { terminated: { exitCode: 1, message: "no" } } };
    const pod = {
      ...{ apiVersion: "v1", kind: "Pod", metadata: stored },
      spec: { nodeName: "node", containers: [{ name: "billing", image: "x", env: [{ name: "PORT" }] }] },
      status: {
        ...{ phase: "Running", podIP: "10.0.0.1", hostIP: "10.0.0.9", conditions },
        initContainerStatuses: [{ ...ended, restartCount: 1 }],
        containerStatuses: [{ ...waiting, imageID: "x" }],
      },
    } as unknown as PodObject;
    expect(leanPod(pod)).toEqual({
      ...{ apiVersion: "v1", kind: "Pod", metadata },
      spec: { containers: [{ name: "billing", image: "x" }] },
      status: {
        ...{ phase: "Running", podIP: "10.0.0.1", conditions },
        ...{ initContainerStatuses: [ended], containerStatuses: [waiting] },
      },
    });
  });

  it("are Jobs without their template", () => {
    const job = {
      ...{ apiVersion: "batch/v1", kind: "Job", metadata: stored, spec: { template: {} } },
      status: { completionTime: "2026-11-30T00:00:00Z", conditions, succeeded: 1 },
    } as JobObject;
    expect(leanJob(job)).toEqual({
      ...{ apiVersion: "batch/v1", kind: "Job", metadata },
      status: { completionTime: "2026-11-30T00:00:00Z", conditions },
    });
  });

  it("have no member that the server did not send", () => {
    const bare = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } };
    expect([leanPod(bare), leanJob({ ...bare, kind: "Job" })]).toStrictEqual([
      bare,
      { ...bare, kind: "Job" },
    ]);
    expect(leanPod({ ...bare, status: {} })).toStrictEqual({ ...bare, status: {} });
  });
});
