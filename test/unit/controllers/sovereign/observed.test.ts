import { describe, expect, it } from "vitest";
import {
  isReadyPod,
  migrationMessages,
  migrationResult,
  rolloutFailure,
  rolloutPending,
} from "../../../../src/controllers/sovereign/observed.ts";

describe("the fields that the controller reads from a cluster", () => {
  const deployment = (status: object) => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "billing", generation: 2 },
    spec: { replicas: 2 },
    status,
  });

  it.each([
    [{}, "the Deployment controller has not started the rollout yet"],
    [
      { observedGeneration: 1, replicas: 2, updatedReplicas: 2, availableReplicas: 2 },
      "the Deployment controller has not started the rollout yet",
    ],
    [
      { observedGeneration: 2, replicas: 3, updatedReplicas: 1, availableReplicas: 2 },
      "1 of 2 replicas are updated",
    ],
    [
      { observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 1 },
      "1 of 2 replicas are available",
    ],
    [
      { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 3 },
      "1 of 3 replicas still run the earlier template",
    ],
    [{ observedGeneration: 2, replicas: 2, updatedReplicas: 2, availableReplicas: 2 }, undefined],
  ])("describes the rollout %j: %s", (status, pending) =>
    expect(rolloutPending(deployment(status))).toBe(pending),
  );

  it.each([
    ["the present template", 2, "has timed out progressing"],
    ["an earlier template", 1, undefined],
  ])("reads the end of the progress deadline of %s", (_which, observedGeneration, failure) => {
    const message = "has timed out progressing";
    const overdue = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message };
    expect(rolloutFailure(deployment({ observedGeneration, conditions: [overdue] }))).toBe(failure);
  });

  it("reads the migration's result among other messages", () => {
    const pod = (message: string, waiting?: string) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      status: {
        containerStatuses: [
          {
            name: "migrate",
            state:
              waiting === undefined
                ? { terminated: { exitCode: 0, message } }
                : { waiting: { reason: waiting } },
          },
        ],
      },
    });
    expect(migrationResult([pod("boom"), pod('{"version":"0005","fingerprint":"sha256:1"}')])).toEqual({
      version: "0005",
      fingerprint: "sha256:1",
    });
    expect(migrationResult([pod('{"version":5}')])).toBeUndefined();
    expect(migrationMessages([pod("", "ImagePullBackOff")])).toEqual(["ImagePullBackOff"]);
  });

  it("reads the message that a container left before its restart", () => {
    const restarted = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      status: {
        containerStatuses: [
          {
            name: "migrate",
            state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 10s" } },
            lastState: { terminated: { exitCode: 1, message: "no such database" } },
          },
        ],
      },
    };
    expect(migrationMessages([restarted])).toEqual(["no such database", "CrashLoopBackOff: back-off 10s"]);
  });

  it.each([
    ['{"version":"0005"}', "a result without a fingerprint"],
    ['{"fingerprint":"sha256:1"}', "a result without a version"],
    ['"text"', "JSON of another form"],
  ])("reads no result from %s: %s", (message) => {
    const own = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      status: { containerStatuses: [{ name: "migrate", state: { terminated: { exitCode: 0, message } } }] },
    };
    expect(migrationResult([own])).toBeUndefined();
  });

  it("does not read a sidecar's message as the migration's", () => {
    const ended = (name: string, message: string) => ({
      name,
      state: { terminated: { exitCode: 0, message } },
    });
    const meshed = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p" },
      status: {
        containerStatuses: [
          ended("istio-proxy", '{"version":"9999","fingerprint":"sha256:0"}'),
          ended("migrate", '{"version":"0005","fingerprint":"sha256:1"}'),
          ended("vault-agent", "agent stopped"),
        ],
      },
    };
    expect(migrationResult([meshed])).toEqual({ version: "0005", fingerprint: "sha256:1" });
    expect(migrationMessages([meshed])).toEqual(['{"version":"0005","fingerprint":"sha256:1"}']);
  });

  it("reads nothing of a Pod without a status", () => {
    const bare = { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } };
    expect(migrationMessages([bare])).toEqual([]);
    expect(isReadyPod(bare)).toBe(false);
  });

  it.each([
    [[{ type: "Ready", status: "True" }], undefined, true],
    [[{ type: "Ready", status: "False" }], undefined, false],
    [[{ type: "Initialized", status: "True" }], undefined, false],
    [[{ type: "Ready", status: "True" }], "2026-01-01T00:00:00Z", false],
  ])("reads a Pod with %j, deleted at %s, as ready=%s", (conditions, deletionTimestamp, expected) => {
    const metadata = { name: "p", ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }) };
    expect(isReadyPod({ apiVersion: "v1", kind: "Pod", metadata, status: { conditions } })).toBe(expected);
  });

  it.each([
    [undefined, "the Deployment controller has not started the rollout yet"],
    [{ observedGeneration: 2 }, "0 of 2 replicas are updated"],
  ])("waits for a rollout with the status %j", (status, pending) => {
    const { status: _, ...bare } = deployment({});
    expect(rolloutPending(status === undefined ? bare : deployment(status))).toBe(pending);
  });

  it("expects one replica where the spec names no number", () => {
    const status = { observedGeneration: 2, replicas: 1, updatedReplicas: 1, availableReplicas: 1 };
    expect(rolloutPending({ ...deployment(status), spec: {} })).toBeUndefined();
  });
});
