import { describe, expect, it } from "vitest";
import { FRANCHISE, type Franchise } from "../../../../src/api/franchise.ts";
import type { ConfigMapObject, KubernetesObject } from "../../../../src/api/object.ts";
import { installedArtifactWatches } from "../../../../src/controllers/installed-artifact/controller.ts";
import { CONFIG_MAPS, NAMESPACES, resourceOf } from "../../../../src/kube/resource.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, later, object } from "../../../support/builder/watch.ts";

describe("installedArtifactWatches", () => {
  const setUp = () => {
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES, [
      object("Namespace", "a"),
      object("Namespace", "b"),
    ]);
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE));
    const trust = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const deps = { namespaces, franchises, trust } as never;
    const seen = connect(installedArtifactWatches(deps));
    seen.length = 0;
    return { namespaces, franchises, trust, seen };
  };

  it("enqueues every namespace when the trust changes", () => {
    const { trust, seen } = setUp();
    trust.announce({ kind: "deleted", object: object("ConfigMap", "catalyst-trust") as ConfigMapObject });
    expect(seen).toEqual(["a", "b"]);
  });

  it("enqueues every namespace when a Franchise changes its spec or ends, and not when one appears", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "added", object: previous });
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen.splice(0)).toEqual(["a", "b"]);
    franchises.announce({ kind: "deleted", object: previous });
    expect(seen).toEqual(["a", "b"]);
  });

  it("enqueues a namespace that appears or gets other labels", () => {
    const { namespaces, seen } = setUp();
    const previous = object("Namespace", "a", { team: "x" });
    namespaces.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual([]);
    namespaces.announce({ kind: "updated", previous, object: object("Namespace", "a", { team: "y" }) });
    namespaces.announce({ kind: "added", object: object("Namespace", "c") });
    expect(seen).toEqual(["a", "c"]);
  });
});
