import { describe, expect, it } from "vitest";
import type { ContainerStatus, PodObject } from "../../../../src/controllers/sovereign/observed.ts";
import {
  findPodFailure,
  findRefusal,
  findSidecar,
} from "../../../../src/controllers/sovereign/pod-failure.ts";

const pod = (
  status: NonNullable<PodObject["status"]>,
  metadata: Partial<PodObject["metadata"]> = {},
): PodObject => ({ apiVersion: "v1", kind: "Pod", metadata: { name: "p", ...metadata }, status });
const withContainer = (container: ContainerStatus, metadata: Partial<PodObject["metadata"]> = {}) =>
  pod(
    { containerStatuses: [{ name: "billing", image: "registry.example/x@sha256:1", ...container }] },
    metadata,
  );
const waiting = (reason: string, message?: string) =>
  withContainer({ state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } });
const terminated = (message: string, exitCode = 1, reason = "Error") => ({
  terminated: { exitCode, reason, message },
});

describe("findPodFailure", () => {
  it.each([
    ["ErrImagePull", "not found"],
    ["ImagePullBackOff", "not found"],
    ["InvalidImageName", "not found"],
  ])("says that the image cannot be pulled for %s", (reason, message) => {
    expect(findPodFailure([waiting(reason, message)])).toEqual({
      reason: "ImagePullFailed",
      message:
        "Pod p cannot pull registry.example/x@sha256:1: not found: correct spec.image of the BillingRelease, or give the nodes access to the registry",
    });
  });

  it("names an injected container whose image cannot be pulled", () => {
    const state = { waiting: { reason: "ImagePullBackOff", message: "not found" } };
    const container = { name: "istio-proxy", image: "registry.example/mesh:1", state };
    expect(findPodFailure([withContainer(container)])?.message).toBe(
      "Pod p cannot pull registry.example/mesh:1: not found: container istio-proxy is not the operator's: correct the image where it is injected, or give the nodes access to the registry",
    );
  });

  it.each(["CreateContainerConfigError", "CreateContainerError", "RunContainerError"])(
    "says what a container lacks for %s",
    (reason) => {
      expect(findPodFailure([waiting(reason, "couldn't find key secret in Secret ns/billing-jwt")])).toEqual({
        reason: "ContainerConfigInvalid",
        message:
          "container billing of Pod p cannot start: couldn't find key secret in Secret ns/billing-jwt: correct the Secret or the setting that it names",
      });
    },
  );

  it.each<[string, ContainerStatus]>([
    [
      "waits for its restart",
      {
        state: { waiting: { reason: "CrashLoopBackOff" } },
        lastState: terminated("starting\nno such role\n\n"),
      },
    ],
    ["runs again and is not ready", { state: {}, lastState: terminated("no such role") }],
    ["ended for good", { state: terminated("no such role") }],
  ])("shows the last line of a container that crashed and %s", (_which, container) => {
    expect(findPodFailure([withContainer(container)])).toEqual({
      reason: "ContainerCrashed",
      message: "container billing of Pod p ended with exit code 1: no such role",
    });
  });

  it.each([
    ["nothing", "", "it left no message"],
    [
      "a password in a URL",
      "cannot reach postgres://billing:hunter2@db/x",
      "cannot reach postgres://billing:[redacted]@db/x",
    ],
    ["a very long line", "x".repeat(5_000), "x".repeat(500)],
  ])("shows a short last line without secrets for %s", (_what, message, shown) => {
    expect(findPodFailure([withContainer({ state: terminated(message) })])?.message).toBe(
      `container billing of Pod p ended with exit code 1: ${shown}`,
    );
  });

  it("says that a container used too much memory", () => {
    expect(findPodFailure([withContainer({ lastState: terminated("", 137, "OOMKilled") })])).toEqual({
      reason: "OutOfMemory",
      message: "container billing of Pod p used more memory than its limit: raise it",
    });
  });

  it("says that no node takes a Pod", () => {
    const conditions = [
      { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes are available" },
    ];
    expect(findPodFailure([pod({ conditions })])).toEqual({
      reason: "Unschedulable",
      message:
        "no node takes Pod p: 0/3 nodes are available: add capacity, lower what the Pod asks for, or change spec.billing.nodeSelector, tolerations or affinity of the Sovereign",
    });
  });

  it("names an init container that fails", () => {
    const initContainerStatuses = [{ name: "wait", state: terminated("refused") }];
    expect(findPodFailure([pod({ initContainerStatuses })])?.message).toBe(
      "container wait of Pod p ended with exit code 1: refused",
    );
  });

  it.each<[string, PodObject]>([
    ["starts", waiting("ContainerCreating")],
    ["ended as it should", withContainer({ state: terminated("", 0, "Completed") })],
    [
      "is scheduled later",
      pod({ conditions: [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }] }),
    ],
    ["has no status", pod({})],
    [
      "is ready again",
      pod({
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: [{ name: "billing", lastState: terminated("before") }],
      }),
    ],
    [
      "is being deleted",
      withContainer({ state: terminated("x") }, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ],
  ])("finds nothing wrong with a Pod that %s", (_which, each) => {
    expect(findPodFailure([each])).toBeUndefined();
  });

  it("takes the newest Pod that fails", () => {
    const at = (minute: number, message?: string) =>
      withContainer(message === undefined ? {} : { state: terminated(message) }, {
        name: `p${minute}`,
        creationTimestamp: `2026-01-01T00:0${minute}:00Z`,
      });
    expect(findPodFailure([at(1, "first"), at(3), at(2, "second")])?.message).toMatch(/Pod p2 .*second$/);
  });
});

describe("findRefusal", () => {
  const deployment = (status: string) => ({
    ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "billing" } },
    status: {
      conditions: [{ type: "ReplicaFailure", status, reason: "FailedCreate", message: "exceeded quota" }],
    },
  });
  it("repeats the API server's message, and finds nothing when the refusal is over", () => {
    expect([findRefusal(deployment("True")), findRefusal(deployment("False"))]).toEqual([
      {
        reason: "PodsRefused",
        message:
          "the API server refuses its Pods: exceeded quota: change the quota, the limit range or the policy that refuses them",
      },
      undefined,
    ]);
  });
});

describe("findSidecar", () => {
  const ended = (exitCode: number) => ({ name: "migrate", state: { terminated: { exitCode } } });
  const running = { name: "proxy", state: {} };
  const deleted = { deletionTimestamp: "2026-11-24T12:00:00Z" };

  it("names the container that still runs after the migration ended", () => {
    expect(findSidecar([pod({}), pod({ containerStatuses: [running, ended(0)] })])).toEqual({
      reason: "SidecarRunning",
      message:
        "the migration has ended, and container proxy of Pod p, which is not the operator's, still runs: exclude Jobs from its injection (spec.billing.podAnnotations), or inject it as an init container with restartPolicy Always; then delete the Job",
    });
  });

  it.each<[string, PodObject]>([
    ["the migration runs", pod({ containerStatuses: [running, { name: "migrate", state: {} }] })],
    ["the migration failed", pod({ containerStatuses: [running, ended(1)] })],
    ["all containers ended", pod({ containerStatuses: [ended(0), { ...ended(0), name: "proxy" }] })],
    ["the Pod is deleted", pod({ containerStatuses: [running, ended(0)] }, deleted)],
    ["the Pod has no status", { apiVersion: "v1", kind: "Pod", metadata: { name: "p" } }],
  ])("finds nothing when %s", (_when, found) => {
    expect(findSidecar([found])).toBeUndefined();
  });
});
