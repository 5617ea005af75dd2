import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Drift } from "../../../../src/controllers/drift.ts";
import { applyManaged } from "../../../../src/controllers/sovereign/managed-object.ts";
import type { Findings } from "../../../../src/controllers/sovereign/status.ts";
import type { Applied, Applier } from "../../../../src/kube/apply.ts";
import { KubeError } from "../../../../src/kube/error.ts";
import { FieldConflict } from "../../../../src/kube/field-conflict.ts";
import { condition, sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const deployment: KubernetesObject = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "billing", namespace: "sovereign-omantel" },
};
const live = { ...deployment, metadata: { ...deployment.metadata, uid: "live" } };
const IMAGE_FIELD = "spec.template.spec.containers[billing].image";

/** Applies a Deployment. The applier returns this answer after it found these fields edited. */
async function apply(answer: Applied | Error, edited?: string[], own = sovereign("omantel")) {
  const reports: Findings[] = [];
  const drifts: [string, Drift][] = [];
  const cached: unknown[] = [];
  const applier = {
    apply: async (...[_desired, found, beforeCorrection]: Parameters<Applier["apply"]>) => {
      cached.push(found);
      if (edited !== undefined) await beforeCorrection?.(edited);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as Applier;
  const context = contextOf(
    own,
    { deployments: [live] },
    { applier, onDrift: (name, drift) => void drifts.push([name, drift]) },
  );
  context.report = async (findings) => void reports.push(structuredClone(findings));
  context.findings.conditions.push({ type: "ImagePinned", status: "True", reason: "Test", message: "" });
  const result = await applyManaged(context, deployment);
  return { result, context, reports, drifts, cached };
}

describe("applyManaged", () => {
  it("returns the server's object, and reports nothing when it was not edited", async () => {
    const { result, context, reports, drifts, cached } = await apply({ kind: "unchanged", object: live });
    expect(result).toBe(live);
    expect(cached).toEqual([live]);
    expect([reports, drifts, context.events]).toEqual([[], [], []]);
    expect(context.findings.conditions).toHaveLength(1);
  });

  it.each([
    ["reports a namespace as absent that the API server does not have", true, "absent"],
    ["lets the applier read a namespace that only the cache lacks", false, undefined],
  ])("%s", async (_what, hasNoNamespace, expected) => {
    const cached: unknown[] = [];
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "sovereign-omantel" } };
    const apply = async (object: KubernetesObject, found: unknown) => {
      cached.push([object.kind, found]);
      return { kind: "created", object };
    };
    const context = contextOf(sovereign("omantel"), {}, { applier: { apply } as unknown as Applier });
    context.findings.hasNoNamespace = hasNoNamespace;
    await applyManaged(context, namespace);
    await applyManaged(context, deployment);
    expect(cached).toEqual([
      ["Namespace", expected],
      ["Deployment", undefined],
    ]);
  });

  it.each([
    ["fields", ["spec.replicas"], "spec.replicas"],
    ["a deletion", [], "deleted"],
  ])("counts a correction of %s and records an event", async (_what, fields, described) => {
    const { context, drifts } = await apply({ kind: "corrected", object: live, fields });
    const message = `Deployment billing: ${described}: the operator put it back`;
    expect(context.findings.conditions.slice(1)).toEqual([
      { type: "InSync", status: "False", reason: "DriftCorrected", message },
    ]);
    expect(context.events).toEqual([
      { type: "Warning", reason: "DriftCorrected", message: message.replace("put it", "puts it") },
    ]);
    expect(drifts).toEqual([["omantel", { kind: "Deployment", name: "billing", fields }]]);
  });

  it("records an event when the object had to be replaced", async () => {
    const fields = ["spec.selector"];
    const { context } = await apply({ kind: "updated", object: live, fields, wasReplaced: true });
    expect(context.events).toEqual([
      {
        type: "Warning",
        reason: "ObjectReplaced",
        message: "Deployment billing was deleted and created again: spec.selector is immutable",
      },
    ]);
  });

  it("reports an edit before it corrects it, together with the earlier findings", async () => {
    const { reports, context } = await apply({ kind: "unchanged", object: live }, ["spec.replicas"]);
    const message = "Deployment billing: spec.replicas: the operator puts it back now";
    expect(context.events).toEqual([
      { type: "Warning", reason: "DriftCorrected", message: message.replace(/ now$/, "") },
    ]);
    expect(reports).toEqual([
      {
        conditions: [
          { type: "ImagePinned", status: "True", reason: "Test", message: "" },
          { type: "InSync", status: "False", reason: "DriftFound", message },
        ],
        facts: {},
        stop: { kind: "waiting", reason: "DriftFound", message, retryAfterMs: 1_000 },
      },
    ]);
    expect(context.findings.conditions).toHaveLength(1);
  });

  it("reports an edited image as unpinned", async () => {
    const { reports } = await apply({ kind: "unchanged", object: live }, [IMAGE_FIELD]);
    const message = `Deployment billing: ${IMAGE_FIELD}: the operator puts it back now`;
    expect(reports[0]?.conditions.slice(1)).toEqual([
      { type: "ImagePinned", status: "False", reason: "ImageDrifted", message },
      { type: "InSync", status: "False", reason: "DriftFound", message },
    ]);
  });

  it("returns the live object when another writer keeps reverting it", async () => {
    const { result, context } = await apply(new FieldConflict("another writer changes it", 60_000));
    expect(result).toBe(live);
    expect(context.findings.fieldConflict).toEqual({
      message: "another writer changes it",
      retryAfterMs: 60_000,
    });
  });

  it("keeps the first conflict of a reconcile, and returns the desired object when none is live", async () => {
    const applier = {
      apply: async () => {
        throw new FieldConflict("second", 1);
      },
    } as unknown as Applier;
    const context = contextOf(sovereign("omantel"), {}, { applier });
    context.findings.fieldConflict = { message: "first", retryAfterMs: 2 };
    expect(await applyManaged(context, deployment)).toBe(deployment);
    expect(context.findings.fieldConflict).toEqual({ message: "first", retryAfterMs: 2 });
  });

  const refusal = new KubeError("denied", { status: 403, reason: "Forbidden" });

  it("returns the live object when the API server refuses the write, and keeps the first refusal", async () => {
    const { result, context } = await apply(refusal);
    expect(result).toBe(live);
    expect(context.findings.refusal).toBe(refusal);
    const applier = { apply: () => Promise.reject(refusal) } as unknown as Applier;
    const later = contextOf(sovereign("omantel"), {}, { applier });
    later.findings.refusal = "first";
    expect(await applyManaged(later, deployment)).toBe(deployment);
    expect(later.findings.refusal).toBe("first");
  });

  it.each([
    ["another version was written first", new KubeError("old", { status: 409, reason: "Conflict" })],
    ["the API server fails", new KubeError("down", { status: 500, reason: "InternalError" })],
    ["no answer came", new KubeError("reset", { status: 0, reason: "Unreachable" })],
  ])("throws when %s", async (_when, error) => {
    await expect(apply(error)).rejects.toBe(error);
  });

  it("throws when the API server refuses a namespace that does not exist", async () => {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "sovereign-omantel" } };
    const applier = { apply: () => Promise.reject(refusal) } as unknown as Applier;
    await expect(applyManaged(contextOf(sovereign("omantel"), {}, { applier }), namespace)).rejects.toBe(
      refusal,
    );
  });

  it("does not report an edit again while the API server refuses its correction", async () => {
    const refused = { ...condition("Ready", "False"), reason: "WriteForbidden" };
    const own = sovereign("omantel", {}, { conditions: [refused] });
    expect((await apply(refusal, [IMAGE_FIELD], own)).reports).toEqual([]);
    expect((await apply(refusal, [IMAGE_FIELD])).reports).toHaveLength(1);
  });

  it("throws every other error", async () => {
    await expect(apply(new Error("refused"))).rejects.toThrow("refused");
  });
});
