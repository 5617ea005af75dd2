import { describe, expect, it } from "vitest";
import { BLUEPRINT, type Blueprint } from "../../../../src/api/blueprint.ts";
import { FRANCHISE, type Franchise } from "../../../../src/api/franchise.ts";
import { SOVEREIGN, type Sovereign } from "../../../../src/api/sovereign.ts";
import { franchiseWatches } from "../../../../src/controllers/franchise/controller.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  NAMESPACES,
  ROLE_BINDINGS,
  resourceOf,
} from "../../../../src/kube/resource.ts";
import { franchise, sovereign } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, later, object } from "../../../support/builder/watch.ts";

describe("franchiseWatches", () => {
  const setUp = () => {
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE), [
      franchise("omantel"),
      franchise("zain"),
    ]);
    const blueprints = fixedInformer<Blueprint>(resourceOf(BLUEPRINT));
    const caches = {
      sovereigns: fixedInformer<Sovereign>(resourceOf(SOVEREIGN), [
        sovereign("muscat", { role: "Franchised", franchise: "zain" }),
        sovereign("own"),
      ]),
      namespaces: fixedInformer(NAMESPACES),
      clusterRoles: fixedInformer(CLUSTER_ROLES),
      clusterRoleBindings: fixedInformer(CLUSTER_ROLE_BINDINGS),
      roleBindings: fixedInformer(ROLE_BINDINGS),
    };
    const deps = { franchises, blueprints, ...caches } as never;
    return { franchises, blueprints, ...caches, seen: connect(franchiseWatches(deps)) };
  };

  it("enqueues a Franchise whose spec changed, and not one whose status did", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual(["omantel"]);
  });

  it("enqueues the Franchise of a Sovereign", () => {
    const { sovereigns, seen } = setUp();
    sovereigns.announce({ kind: "added", object: sovereign("a", { role: "Franchised", franchise: "zain" }) });
    sovereigns.announce({ kind: "added", object: sovereign("b") });
    expect(seen).toEqual(["zain"]);
    const previous = sovereign("a", { role: "Franchised", franchise: "zain" });
    sovereigns.announce({ kind: "updated", previous, object: { ...previous, status: { url: "http://a" } } });
    expect(seen).toEqual(["zain"]);
  });

  it("enqueues the Franchise whose role or binding changed", () => {
    const { clusterRoles, clusterRoleBindings, roleBindings, seen } = setUp();
    const owned = (kind: string, owner: string) => ({
      ...object(kind, "one"),
      metadata: {
        name: "one",
        ownerReferences: [
          { apiVersion: "catalyst.openova.io/v1alpha1", kind: owner, name: "zain", uid: "1" },
        ],
      },
    });
    for (const cache of [clusterRoles, clusterRoleBindings, roleBindings])
      cache.announce({ kind: "deleted", object: owned(cache.resource.kind, "Franchise") });
    expect(seen).toEqual(["zain", "zain", "zain"]);
    roleBindings.announce({ kind: "deleted", object: owned("RoleBinding", "Organization") });
    roleBindings.announce({ kind: "added", object: object("RoleBinding", "other") });
    expect(seen).toHaveLength(3);
  });

  it("enqueues the Franchise of the Sovereign whose namespace appears, and every one when a catalog does", () => {
    const { namespaces, seen } = setUp();
    const named = (name: string, label?: string) =>
      object("Namespace", name, label === undefined ? {} : { "catalyst.openova.io/sovereign": label });
    for (const [name, label] of [
      ["sovereign-muscat", "muscat"],
      ["sovereign-own", "own"],
      ["sovereign-gone", "gone"],
      ["shop", undefined],
    ] as const)
      namespaces.announce({ kind: "added", object: named(name, label) });
    expect(seen).toEqual(["zain"]);
    namespaces.announce({ kind: "added", object: named("catalog-sovereign") });
    expect(seen).toEqual(["zain", "omantel", "zain"]);
  });

  it("enqueues every Franchise when a Blueprint appears", () => {
    const { blueprints, seen } = setUp();
    blueprints.announce({ kind: "added", object: object("Blueprint", "shop") as Blueprint });
    expect(seen).toEqual(["omantel", "zain"]);
  });
});
