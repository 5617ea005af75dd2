import { describe, expect, it } from "vitest";
import { lostOwnership, newlyAppliedPaths } from "../../../../src/admission/rules/field-ownership.ts";

type Entry = [manager: string, operation: string, spec: object, metadata?: object, subresource?: string];

const owned = (...entries: Entry[]) => ({
  metadata: {
    managedFields: entries.map(([manager, operation, spec, metadata = {}, subresource]) => ({
      ...{ manager, operation, subresource },
      fieldsV1: { "f:metadata": metadata, "f:spec": spec, "f:status": { "f:phase": {} } },
    })),
  },
});
const hub = { "f:fqdn": {}, "f:billing": { ".": {}, "f:replicas": {} } };
const FQDN = { "f:fqdn": {} };
const marks = { "f:labels": { ".": {}, "f:region": {} }, "f:finalizers": { ".": {}, 'v:"a"': {} } };
const MALFORMED = { metadata: { managedFields: [7, { operation: "Apply" }, { fieldsV1: { "f:spec": 1 } }] } };

describe("newlyAppliedPaths", () => {
  it.each<[string, object | undefined, object | undefined, string[]]>([
    ["what a new manager applies", {}, owned(["a", "Apply", hub]), ["spec.billing.replicas", "spec.fqdn"]],
    [
      "what a known manager adds",
      owned(["a", "Apply", FQDN]),
      owned(["a", "Apply", hub]),
      ["spec.billing.replicas"],
    ],
    [
      "what another manager owned before",
      owned(["a", "Apply", hub]),
      owned(["a", "Apply", hub], ["b", "Apply", FQDN]),
      ["spec.fqdn"],
    ],
    [
      "labels and finalizers",
      owned(["a", "Apply", {}]),
      owned(["a", "Apply", {}, marks]),
      ["metadata.finalizers", "metadata.labels.region"],
    ],
    [
      "what a manager applies by the object that it applied by the status",
      owned(["a", "Apply", FQDN, {}, "status"]),
      owned(["a", "Apply", FQDN, {}, "status"], ["a", "Apply", FQDN]),
      ["spec.fqdn"],
    ],
    ["nothing when a manager loses a field", owned(["a", "Apply", hub]), owned(["a", "Apply", FQDN]), []],
    ["nothing of updates, whose values changedPaths compares", {}, owned(["a", "Update", hub]), []],
    ["nothing in malformed entries", undefined, MALFORMED, []],
  ])("finds %s", (_, before, after, paths) => expect(newlyAppliedPaths(before, after)).toEqual(paths));
});

describe("lostOwnership", () => {
  it.each<[string, object | undefined, object | undefined, string[]]>([
    [
      "every field when all entries are gone",
      owned(["a", "Update", FQDN, marks]),
      {},
      ["metadata.finalizers", "metadata.labels.region", "spec.fqdn"],
    ],
    [
      "what the manager that applied it no longer owns",
      owned(["a", "Apply", hub], ["b", "Update", hub]),
      owned(["a", "Apply", FQDN], ["b", "Update", hub]),
      ["spec.billing.replicas"],
    ],
    [
      "nothing when a field of an update gets another manager",
      owned(["a", "Update", FQDN]),
      owned(["ancient-changes", "Update", FQDN]),
      [],
    ],
    ["nothing when a manager adds a field", owned(["a", "Apply", FQDN]), owned(["a", "Apply", hub]), []],
    ["nothing of an object that had no entries", MALFORMED, owned(["a", "Apply", hub]), []],
  ])("finds %s", (_, before, after, paths) => expect(lostOwnership(before, after)).toEqual(paths));
});
