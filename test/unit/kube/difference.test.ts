import { describe, expect, it } from "vitest";
import { differences, findDifferences } from "../../../src/kube/difference.ts";

describe("differences", () => {
  it.each<[string, unknown, unknown, string[]]>([
    ["nothing between equals", { a: [1, { b: 2 }] }, { a: [1, { b: 2 }] }, []],
    ["a changed value", { spec: { replicas: 2 } }, { spec: { replicas: 3 } }, ["spec.replicas"]],
    ["a missing value", { spec: { paused: false } }, { spec: {} }, ["spec.paused"]],
    ["a missing map as one", { spec: { a: { b: 1 } } }, {}, ["spec"]],
    ["nothing in what is not desired", { spec: { a: 1 } }, { spec: { a: 1, b: 2 }, status: {} }, []],
    ["nothing in members that are undefined", { spec: { a: undefined } }, { spec: { a: 1 } }, []],
    ["nothing between null and absent", { a: null }, {}, []],
    ["a value where null is desired", { a: null }, { a: 1 }, ["a"]],
    ["a scalar where a list should be", { args: ["a"] }, { args: "a" }, ["args"]],
    [
      "a missing empty map that the server keeps",
      { volumes: [{ emptyDir: {} }] },
      { volumes: [{}] },
      ["volumes[0].emptyDir"],
    ],
    ["an empty map at the root", {}, undefined, [""]],
    [
      "a quantity that cannot be read",
      { limits: { cpu: "half" } },
      { limits: { cpu: "0.5" } },
      ["limits.cpu"],
    ],
    ["another type", { a: 1 }, { a: "1" }, ["a"]],
    ["a scalar where a map should be", { a: { b: 1 } }, { a: 1 }, ["a"]],
    [
      "an item of a list by its name",
      { c: [{ name: "x", image: "1" }] },
      { c: [{ name: "x", image: "2" }] },
      ["c[x].image"],
    ],
    [
      "nothing for an image of the same digest in a mirror",
      { c: [{ name: "x", image: `registry.example/catalyst@sha256:${"a".repeat(64)}` }] },
      { c: [{ name: "x", image: `mirror.local/r/catalyst@sha256:${"a".repeat(64)}` }] },
      [],
    ],
    [
      "an image of another digest in the same repository",
      { c: [{ name: "x", image: `registry.example/catalyst@sha256:${"a".repeat(64)}` }] },
      { c: [{ name: "x", image: `registry.example/catalyst@sha256:${"b".repeat(64)}` }] },
      ["c[x].image"],
    ],
    [
      "nothing in another order of named items",
      { c: [{ name: "x" }, { name: "y" }] },
      { c: [{ name: "y" }, { name: "x" }] },
      [],
    ],
    ["a missing item", { c: [{ name: "x" }, { name: "y" }] }, { c: [{ name: "y" }] }, ["c[x]"]],
    ["a further item", { c: [{ name: "x" }] }, { c: [{ name: "x" }, { name: "evil" }] }, ["c[evil]"]],
    ["another order of scalars", { args: ["a", "b"] }, { args: ["b", "a"] }, ["args[0]", "args[1]"]],
    ["a further scalar", { args: ["a"] }, { args: ["a", "b"] }, ["args[1]"]],
    ["an item in a list that should be empty", { args: [] }, { args: ["b"] }, ["args[0]"]],
    ["nothing between an empty list and none", { args: [] }, {}, []],
    [
      "mounts by where they are, as two of one volume share their name",
      {
        mounts: [
          { name: "v", mountPath: "/a" },
          { name: "v", mountPath: "/b" },
        ],
      },
      {
        mounts: [
          { name: "v", mountPath: "/b" },
          { name: "v", mountPath: "/a", readOnly: true },
        ],
      },
      [],
    ],
    [
      "ports without names by their number",
      { ports: [{ containerPort: 80 }] },
      { ports: [{ containerPort: 81 }, { containerPort: 80, protocol: "TCP" }] },
      ["ports[81]"],
    ],
    [
      "subjects of one name by position",
      {
        subjects: [
          { kind: "User", name: "a" },
          { kind: "Group", name: "a" },
        ],
      },
      {
        subjects: [
          { kind: "User", name: "a" },
          { kind: "User", name: "a" },
        ],
      },
      ["subjects[1].kind"],
    ],
    [
      "a volume that became another kind",
      { volumes: [{ name: "t", emptyDir: {} }] },
      { volumes: [{ name: "t", hostPath: { path: "/" } }] },
      ["volumes[t].emptyDir"],
    ],
    ["nothing between no labels and none", { metadata: { labels: {} } }, { metadata: {} }, []],
    [
      "nothing between spellings of a quantity",
      { limits: { cpu: "1000m", memory: "1024Mi" } },
      { limits: { cpu: "1", memory: "1Gi" } },
      [],
    ],
    [
      "nothing between fractions of a quantity",
      { requests: { cpu: "0.7" } },
      { requests: { cpu: "700m" } },
      [],
    ],
    ["nothing between a number and its quantity", { limits: { cpu: 1 } }, { limits: { cpu: "1" } }, []],
    ["another quantity", { limits: { memory: "1G" } }, { limits: { memory: "1Gi" } }, ["limits.memory"]],
    [
      "what only looks like a quantity",
      { env: [{ name: "SECONDS", value: "60" }] },
      { env: [{ name: "SECONDS", value: "60000m" }] },
      ["env[SECONDS].value"],
    ],
  ])("finds %s", (_, desired, live, expected) => {
    expect(differences(desired, live)).toEqual(expected);
  });
});

describe("findDifferences", () => {
  it("finds a field absent whose name every object inherits", () => {
    const desired = { labels: { constructor: "x" } };
    expect(findDifferences(desired, { labels: {} })).toEqual([
      { path: "labels.constructor", live: undefined },
    ]);
  });
});
