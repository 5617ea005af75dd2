import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { foreignAdditions, foreignEntries, type OwnedObject } from "../../../src/kube/foreign-field.ts";

type FieldSet = { [step: string]: FieldSet };

const object = (spec: object, fields?: FieldSet): OwnedObject => {
  const managedFields = fields && [{ manager: "other", fieldsV1: { "f:spec": fields } }];
  return {
    apiVersion: "v1",
    kind: "Any",
    metadata: { name: "a", ...(managedFields === undefined ? {} : { managedFields }) },
    spec,
  } as OwnedObject;
};

describe("foreignAdditions", () => {
  it.each<[string, object, object, FieldSet | undefined, string[]]>([
    ["nothing without managed fields", {}, { hostNetwork: true }, undefined, []],
    ["a member", {}, { hostNetwork: true }, { "f:hostNetwork": {} }, ["spec.hostNetwork"]],
    ["nothing in a desired scalar", { a: 1 }, { a: 2 }, { "f:a": {} }, []],
    ["nothing in the node itself", { a: {} }, { a: {} }, { "f:a": { ".": {} } }, []],
    [
      "a member below a desired map",
      { a: { b: 1 } },
      { a: { b: 1, c: 2 } },
      { "f:a": { "f:c": {} } },
      ["spec.a.c"],
    ],
    [
      "a member that is named like one that every object inherits",
      { a: { b: "1" } },
      { a: { b: "1", constructor: "2" } },
      { "f:a": { "f:constructor": {} } },
      ["spec.a.constructor"],
    ],
    [
      "nothing for the annotation of kubectl rollout restart, and another annotation of the template",
      { template: { metadata: { annotations: { a: "1" } } } },
      { template: { metadata: { annotations: { a: "1" } } } },
      {
        "f:template": {
          "f:metadata": { "f:annotations": { "f:kubectl.kubernetes.io/restartedAt": {}, "f:other": {} } },
        },
      },
      ["spec.template.metadata.annotations.other"],
    ],
    [
      "a map owned as a whole that differs",
      { a: { b: 1 } },
      { a: { b: 1, c: 2 } },
      { "f:a": {} },
      ["spec.a"],
    ],
    ["nothing in an equal map owned as a whole", { a: { b: 1 } }, { a: { b: 1 } }, { "f:a": {} }, []],
    ["a member below a scalar", { a: 1 }, { a: { b: 1 } }, { "f:a": { "f:b": {} } }, ["spec.a.b"]],
    [
      "an item by its keys",
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80 }, { port: 81, protocol: "TCP" }] },
      { "f:ports": { 'k:{"port":81,"protocol":"TCP"}': { ".": {}, "f:port": {} } } },
      ["spec.ports[81,TCP]"],
    ],
    [
      "nothing in an item that leaves a key to its default",
      { ports: [{ port: 80 }] },
      { ports: [{ port: 80, protocol: "TCP" }] },
      { "f:ports": { 'k:{"port":80,"protocol":"TCP"}': { "f:port": {} } } },
      [],
    ],
    [
      "an item below a member that is no list",
      { ports: 1 },
      { ports: [] },
      { "f:ports": { 'k:{"port":80}': {} } },
      ["spec.ports[80]"],
    ],
    [
      "a value of a set",
      { args: ["a"] },
      { args: ["a", "b"] },
      { "f:args": { 'v:"b"': {} } },
      ["spec.args[b]"],
    ],
    [
      "nothing in a desired value of a set",
      { args: ["a"] },
      { args: ["a"] },
      { "f:args": { 'v:"a"': {} } },
      [],
    ],
  ])("finds %s", (_, desired, live, fields, expected) => {
    expect(foreignAdditions(object(desired) as KubernetesObject, object(live, fields))).toEqual(expected);
  });
});

describe("foreignEntries", () => {
  const entry = (manager: string, step: string, subresource?: string) => ({
    manager,
    fieldsV1: { [step]: {} },
    ...(subresource === undefined ? {} : { subresource }),
  });

  it("keeps entries of other managers that hold more than metadata and status", () => {
    const kept = [entry("kubectl", "f:spec"), entry("other", "f:data")];
    const metadata = {
      name: "a",
      managedFields: [
        entry("us", "f:spec"),
        ...kept,
        entry("hpa", "f:spec", "scale"),
        entry("controller", "f:status"),
        entry("labeler", "f:metadata"),
        { manager: "empty" },
      ],
    };
    expect(foreignEntries({ apiVersion: "v1", kind: "Any", metadata }, "us")).toEqual(kept);
  });

  it("finds none in an object without managed fields", () => {
    expect(foreignEntries({ apiVersion: "v1", kind: "Any", metadata: { name: "a" } }, "us")).toEqual([]);
  });
});
