import { describe, expect, it } from "vitest";
import { BLUEPRINT, type Blueprint } from "../../../../src/api/blueprint.ts";
import { FRANCHISE, type Franchise } from "../../../../src/api/franchise.ts";
import type { ConfigMapObject } from "../../../../src/api/object.ts";
import { blueprintWatches } from "../../../../src/controllers/blueprint/controller.ts";
import { CONFIG_MAPS, resourceOf } from "../../../../src/kube/resource.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, later, object } from "../../../support/builder/watch.ts";

describe("blueprintWatches", () => {
  const blueprint = (name: string, owner?: string) =>
    ({
      ...object("Blueprint", name),
      metadata: { name, namespace: "catalog-sovereign" },
      spec: owner === undefined ? {} : { franchise: owner },
    }) as Blueprint;
  const setUp = () => {
    const blueprints = fixedInformer<Blueprint>(resourceOf(BLUEPRINT), [
      blueprint("shop", "omantel"),
      blueprint("wiki", "zain"),
      blueprint("public"),
    ]);
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE));
    const trust = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const seen = connect(blueprintWatches({ blueprints, franchises, trust }));
    seen.length = 0;
    return { franchises, trust, seen };
  };

  it("enqueues every Blueprint when the trust changes or is deleted", () => {
    const { trust, seen } = setUp();
    const all = ["catalog-sovereign/shop", "catalog-sovereign/wiki", "catalog-sovereign/public"];
    const configMap = object("ConfigMap", "catalyst-trust") as ConfigMapObject;
    trust.announce({ kind: "updated", previous: configMap, object: configMap });
    expect(seen.splice(0)).toEqual(all);
    trust.announce({ kind: "deleted", object: configMap });
    expect(seen).toEqual(all);
  });

  it("enqueues the Blueprints of a Franchise whose spec changed", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual(["catalog-sovereign/shop"]);
  });
});
