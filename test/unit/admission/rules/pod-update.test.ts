import { describe, expect, it } from "vitest";
import { INLINE_DRIVERS, podIsolationRule } from "../../../../src/admission/rules/pod-isolation.ts";
import type { ReviewedObject } from "../../../../src/admission/rules/request.ts";
import { deletion, request } from "../../../support/builder/admission-request.ts";

const PODS = { group: "", resource: "pods" };
const pod = (members: object) => ({ spec: { containers: [{ name: "a" }], ...members } });
const known = { inlineDrivers: INLINE_DRIVERS, isForeignNamespace: () => false };
const pathsOf = (before: ReviewedObject, after: ReviewedObject) =>
  podIsolationRule(request({ ...PODS, oldObject: before, object: after }), known).map(({ path }) => path);

describe("podIsolationRule, for an update", () => {
  it.each<[string, object, object, string]>([
    [
      "a folder",
      { volumes: [{ hostPath: { path: "/var/log" } }] },
      { volumes: [{ hostPath: { path: "/" } }] },
      "spec.volumes[0].hostPath",
    ],
    [
      "a port",
      { containers: [{ name: "a", ports: [{ hostPort: 81 }] }] },
      { containers: [{ name: "a", ports: [{ hostPort: 443 }] }] },
      "spec.containers[0].ports[0].hostPort",
    ],
    [
      "a probe's host",
      { containers: [{ name: "a", livenessProbe: { httpGet: { host: "a.example" } } }] },
      { containers: [{ name: "a", livenessProbe: { httpGet: { host: "169.254.169.254" } } }] },
      "spec.containers[0].livenessProbe.httpGet.host",
    ],
    [
      "an inline volume",
      { volumes: [{ csi: { driver: "nfs.csi.k8s.io", volumeAttributes: { share: "/logs" } } }] },
      { volumes: [{ csi: { driver: "nfs.csi.k8s.io", volumeAttributes: { share: "/" } } }] },
      "spec.volumes[0].csi.driver",
    ],
  ])("refuses %s of the node in place of one that the platform chose", (_, before, after, path) => {
    expect(pathsOf(pod(before), pod(after))).toEqual([path]);
    expect(pathsOf(pod(before), { ...pod(before), metadata: { labels: { a: "b" } } })).toEqual([]);
  });

  it("does not judge again what the object had before", () => {
    const before = pod({ hostPID: true });
    expect(pathsOf(before, { ...before, metadata: { labels: { a: "b" } } })).toEqual([]);
    expect(pathsOf(before, pod({ hostPID: true, hostIPC: true }))).toEqual(["spec.hostIPC"]);
  });

  it("passes a deletion", () => {
    expect(podIsolationRule(deletion({ ...PODS, oldObject: pod({ hostPID: true }) }), known)).toEqual([]);
  });
});
