import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { findClaim } from "../../../../src/controllers/sovereign/namespace-claim.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import type { ObjectKey, Resource } from "../../../../src/kube/resource.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const namespace = (labels?: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "sovereign-omantel", ...(labels === undefined ? {} : { labels }) },
});

/** The claim on a namespace that the cache has, or that only the API server has. */
function claimOn({ cached, live }: { cached?: KubernetesObject; live?: KubernetesObject }) {
  const asked: string[] = [];
  const client = {
    get: async ({ kind }: Resource, { name }: ObjectKey) => {
      asked.push(`${kind} ${name}`);
      return live;
    },
  } as unknown as KubeClient;
  const own = sovereign("omantel");
  const { deps } = contextOf(own, { namespaces: cached === undefined ? [] : [cached] }, { client });
  return findClaim(deps, own).then((claim) => ({ claim, asked }));
}

describe("findClaim", () => {
  it.each<[string, Record<string, string> | undefined, string | undefined]>([
    ["its own", { "catalyst.openova.io/sovereign": "omantel" }, undefined],
    ["another Sovereign's", { "catalyst.openova.io/sovereign": "zain" }, "belongs to Sovereign zain"],
    [
      "an Organization's on this Sovereign",
      { "catalyst.openova.io/sovereign": "omantel", "catalyst.openova.io/organization": "acme" },
      "belongs to Organization acme",
    ],
    ["one with other labels", { app: "x" }, "exists already and has no owner label"],
    ["one without labels", undefined, "exists already and has no owner label"],
  ])("reads the owner of %s namespace from its labels", async (_whose, labels, why) => {
    const claim = why === undefined ? { kind: "own" } : { kind: "foreign", why };
    expect(await claimOn({ cached: namespace(labels) })).toEqual({ claim, asked: [] });
    const asked = ["Namespace sovereign-omantel"];
    expect(await claimOn({ live: namespace(labels) })).toEqual({ claim, asked });
  });

  it("finds that a namespace does not exist", async () => {
    expect(await claimOn({})).toEqual({ claim: { kind: "absent" }, asked: ["Namespace sovereign-omantel"] });
  });
});
