import { describe, expect, it } from "vitest";
import { KubeError, kubeErrorOf } from "../../../src/kube/error.ts";
import { describeFailure, MAX_TRIES } from "../../../src/kube/failure.ts";
import { FieldConflict } from "../../../src/kube/field-conflict.ts";

const refusal = (status: number, reason: string, details: object = {}, method = "PATCH"): KubeError => {
  const body = JSON.stringify({ kind: "Status", message: "the server's own words", reason, details });
  return kubeErrorOf({ method, path: "/x", target: "Service ns/billing" }, status, body, undefined);
};
const unreachable = () => new KubeError("PATCH /x: refused", { status: 0, reason: "Unreachable" });

describe("describeFailure", () => {
  it.each([
    [
      "a role or a policy that refuses",
      refusal(403, "Forbidden"),
      "WriteForbidden",
      "Service ns/billing: the API server answers 403 Forbidden: the server's own words: change the role, the quota or the policy that refuses it",
    ],
    [
      "an invalid field",
      refusal(422, "Invalid", { causes: [{ field: "spec.selector" }, { field: "spec.ports[0].port" }] }),
      "WriteInvalid",
      "Service ns/billing, spec.selector, spec.ports[0].port: the API server answers 422 Invalid: the server's own words: correct the field in the spec that sets it; if the field is immutable and the object is not the operator's, delete the object: the operator creates it again",
    ],
    [
      "an object that exists already",
      refusal(409, "AlreadyExists", {}, "POST"),
      "WriteConflict",
      "Service ns/billing: the API server answers 409 AlreadyExists: the server's own words: the operator tries again; find the other writer if this stays",
    ],
    [
      "a namespace that is being deleted",
      refusal(403, "Forbidden", { causes: [{ reason: "NamespaceTerminating" }] }),
      "NamespaceTerminating",
      "Service ns/billing: the API server answers 403 Forbidden: the server's own words: the namespace is being deleted: remove what holds it up; the operator creates it again afterwards",
    ],
    [
      "a read without the right",
      refusal(403, "Forbidden", {}, "GET"),
      "ReadForbidden",
      "Service ns/billing: the API server answers 403 Forbidden: the server's own words: change the role, the quota or the policy that refuses it",
    ],
    [
      "any other refusal",
      refusal(404, "NotFound"),
      "WriteFailed",
      "Service ns/billing: the API server answers 404 NotFound: the server's own words: the operator tries again; look at the API server and its webhooks if this stays",
    ],
  ])("names object, fields, answer and remedy for %s", (_what, error, reason, message) => {
    expect(describeFailure(error, 1)).toEqual({ reason, message, isFinal: false });
  });

  it.each([
    ["a conflict", refusal(409, "Conflict")],
    ["too many requests", refusal(429, "TooManyRequests")],
    ["an error of the server", refusal(500, "InternalError")],
    ["no answer", unreachable()],
    ["an unexpected error", new Error("postgres://user:secret@db is odd")],
  ])("reports %s from the third failure in a row on", (_what, error) => {
    expect([1, 2].map((attempt) => describeFailure(error, attempt))).toEqual([undefined, undefined]);
    expect(describeFailure(error, 3)).toMatchObject({ isFinal: false });
  });

  it.each([
    ["a refusal", refusal(403, "Forbidden"), true],
    ["a conflict", refusal(409, "Conflict"), true],
    ["an unexpected error", new Error("odd"), true],
    // While no server answers, the object itself may be correct.
    ["no answer", unreachable(), false],
  ])("decides whether %s is final after the last try", (_what, error, isFinal) => {
    expect(describeFailure(error, MAX_TRIES - 1)).toMatchObject({ isFinal: false });
    expect(describeFailure(error, MAX_TRIES)).toMatchObject({ isFinal });
  });

  it("gives no failure for a process that no longer leads", () => {
    const lost = new KubeError("PATCH /x: this process no longer leads", { status: 0, reason: "NotLeading" });
    expect(describeFailure(lost, MAX_TRIES)).toBeUndefined();
  });

  it("keeps the text of an unexpected error out of the status: it may hold a credential", () => {
    expect(describeFailure(new Error("postgres://user:secret@db"), MAX_TRIES)).toEqual({
      reason: "ReconcileFailed",
      message: "the operator failed and tries again: its log says why",
      isFinal: true,
    });
  });

  it("reports a field that another writer keeps changing at once, and never as final", () => {
    const conflict = new FieldConflict("Service ns/billing: another writer keeps changing spec", 1_000);
    const failure = { reason: "FieldConflict", message: conflict.message, isFinal: false };
    expect([1, MAX_TRIES].map((attempt) => describeFailure(conflict, attempt))).toEqual([failure, failure]);
  });

  it("shortens a message that quotes a whole object", () => {
    const body = JSON.stringify({ message: "x".repeat(10_000), reason: "Invalid" });
    const long = kubeErrorOf(
      { method: "PATCH", path: "/x", target: "Service ns/billing" },
      422,
      body,
      undefined,
    );
    expect(describeFailure(long, 1)?.message.length).toBeLessThan(2_500);
  });
});
