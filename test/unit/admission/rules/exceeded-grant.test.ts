import { describe, expect, it } from "vitest";
import { exceededGrant } from "../../../../src/admission/rules/blueprint.ts";
import type { Blueprint } from "../../../../src/api/blueprint.ts";
import type { Franchise } from "../../../../src/api/franchise.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const granted = (max: number | undefined): Franchise => ({
  ...franchise("omantel"),
  spec: {
    ...franchise("omantel").spec,
    grants: { branding: false, ...(max === undefined ? {} : { privateBlueprints: { max } }) },
  },
});
const blueprint = (
  name: string,
  change: { at?: number; namespace?: string; spec?: object } = {},
): Blueprint => {
  const { at = 0, namespace = "catalog-sovereign", spec = {} } = change;
  return {
    apiVersion: "catalyst.openova.io/v1alpha1",
    kind: "Blueprint",
    metadata: { name, namespace, creationTimestamp: `2026-06-01T00:00:0${at}Z` },
    spec: {
      ...{ version: "1.0.0", source: { ref: "oci://registry.test/shop" }, card: { title: name } },
      ...{ visibility: "private", franchise: "omantel", ...spec },
    },
  } as Blueprint;
};
const [oldest, middle, youngest] = [
  blueprint("z", { at: 1 }),
  blueprint("y", { at: 2 }),
  blueprint("x", { at: 3 }),
] as const;
const ALL = [youngest, oldest, middle];
const beyond = (max: number | undefined, all: Blueprint[] = ALL) =>
  all.filter((it) => exceededGrant(it, all, granted(max)) !== undefined).map(({ metadata }) => metadata.name);

describe("exceededGrant", () => {
  it.each<[number | undefined, string[]]>([
    [3, []],
    [2, ["x"]],
    [1, ["x", "y"]],
    [0, ["x", "z", "y"]],
    [undefined, ["x", "z", "y"]],
  ])("lets the oldest keep a grant of %s", (max, names) => {
    expect(beyond(max)).toEqual(names);
  });

  it("says what the grant is and what to do", () => {
    expect(exceededGrant(youngest, ALL, granted(2))).toBe(
      "Franchise omantel grants at most 2 private Blueprints (privateBlueprints.max); delete one, or ask the platform team for a larger grant",
    );
  });

  it("orders those of the same second by name", () => {
    expect(beyond(1, [blueprint("b"), blueprint("a")])).toEqual(["b"]);
  });

  it("counts neither other Franchises, other visibilities nor other namespaces, and withholds none of them", () => {
    const others = [
      blueprint("a", { spec: { franchise: "ooredoo" } }),
      blueprint("b", { spec: { visibility: "listed" } }),
      blueprint("c", { namespace: "catalog" }),
    ];
    expect(beyond(1, [...others, oldest])).toEqual([]);
    expect(beyond(0, [...others, oldest])).toEqual(["z"]);
  });

  it("finds nothing without the Franchise", () => {
    expect(exceededGrant(youngest, ALL, undefined)).toBeUndefined();
  });
});
