import { describe, expect, it } from "vitest";
import type { EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import { desiredSpoke, freeFieldsOf, offerOf } from "../../../../src/controllers/spoke/desired-spoke.ts";
import {
  franchise,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";

const MARK = {
  labels: { "catalyst.openova.io/managed-by": "hub" },
  annotations: { "catalyst.openova.io/hub": "hub-uid" },
};
const tiers = [{ id: "s", name: "S", priceBaisa: 1_000 }];
const own = sovereign("omantel", {
  cluster: { kubeconfigSecretRef: { name: "k", key: "value" } },
  branding: { displayName: "Omantel" },
});
const policy: EnvironmentPolicy = {
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "EnvironmentPolicy",
  metadata: { name: "window", namespace: "catalyst-system", uid: "here", resourceVersion: "7" },
  spec: { appliesTo: { environments: ["*-prod"] }, enforcement: "Deny", rules: [] },
};
const from = {
  ...{
    sovereign: own,
    image: undefined,
    release: undefined,
    franchise: undefined,
    policies: [],
    hub: "hub-uid",
  },
};

const COMPLETE = release({}, { rollout: { image: NEXT_IMAGE, stages: [], completedAt: NOW } });

describe("desiredSpoke", () => {
  it("has only the Sovereign while its release and its Franchise do not exist", () => {
    const { billing } = own.spec;
    const { cluster: _cluster, branding, ...spec } = own.spec;
    expect(desiredSpoke("spoke-uid", from)).toEqual({
      uid: "spoke-uid",
      objects: [
        {
          apiVersion: "catalyst.openova.io/v1alpha1",
          kind: "Sovereign",
          metadata: { name: "omantel", ...MARK },
          spec: { ...spec, billing },
        },
      ],
      offer: { branding },
    });
  });

  it("has what the Sovereign needs before it, with nothing of the hub's own objects but their spec", () => {
    const { objects } = desiredSpoke("u", {
      ...from,
      release: COMPLETE,
      franchise: franchise("omantel"),
      policies: [policy],
    });
    expect(objects.map(({ kind, metadata }) => [kind, metadata])).toEqual([
      ["Franchise", { name: "omantel", ...MARK }],
      ["EnvironmentPolicy", { name: "window", namespace: "catalyst-system", ...MARK }],
      ["BillingRelease", { name: "stable", ...MARK }],
      ["Sovereign", { name: "omantel", ...MARK }],
    ]);
    expect(objects[1]).toMatchObject({ spec: policy.spec });
  });

  it("sends the references with the release, the newest first, and the image with the Sovereign", () => {
    const { reference } = measured(NEXT_IMAGE);
    const { reference: earlier } = measured(IMAGE);
    if (reference === undefined || earlier === undefined) throw new Error("measured() has a reference");
    const { objects } = desiredSpoke("u", {
      ...from,
      image: IMAGE,
      release: release({}, { reference, earlierReferences: [earlier] }),
    });
    const [brel, there] = objects.map(({ metadata }) => metadata.annotations ?? {});
    expect(JSON.parse(brel?.["catalyst.openova.io/references"] ?? "")).toEqual([reference, earlier]);
    expect(there?.["catalyst.openova.io/image"]).toBe(IMAGE);
    const [alone] = desiredSpoke("u", { ...from, release: release({}, { reference }) }).objects;
    expect(JSON.parse(alone?.metadata.annotations?.["catalyst.openova.io/references"] ?? "")).toEqual([
      reference,
    ]);
  });

  it("says in one object which image the Sovereign has and whether the rollout of that image is under way", () => {
    const annotationOf = (brel: typeof COMPLETE, image = NEXT_IMAGE) =>
      desiredSpoke("u", { ...from, image, release: brel }).objects.find(({ kind }) => kind === "Sovereign")
        ?.metadata.annotations?.["catalyst.openova.io/rolling-out"];
    expect(annotationOf(COMPLETE)).toBeUndefined();
    expect(annotationOf(release())).toBe(NEXT_IMAGE);
    expect(annotationOf(release(), IMAGE)).toBeUndefined();
    expect(annotationOf({ ...COMPLETE, spec: { ...COMPLETE.spec, image: IMAGE } }, IMAGE)).toBe(IMAGE);
    expect(annotationOf(release({}, { rollout: { image: NEXT_IMAGE, stages: [] } }))).toBe(NEXT_IMAGE);
  });

  it("names no Sovereign of others in the release", () => {
    const brel = release({
      canaries: ["badr"],
      stages: [{ name: "gulf", sovereigns: ["muscat"], approval: true }],
    });
    const [copy] = desiredSpoke("u", { ...from, release: brel }).objects;
    const { canaries: _, stages: __, ...rollout } = brel.spec.rollout;
    expect(copy).toMatchObject({ kind: "BillingRelease", spec: { image: NEXT_IMAGE, rollout } });
    expect(JSON.stringify(copy)).not.toMatch(/badr|muscat|gulf/);
  });

  it("leaves a hold to the hub", () => {
    const held = sovereign("omantel", {
      billing: { ...own.spec.billing, hold: { reason: "audit", until: "2027-01-01T00:00:00Z" } },
    });
    const [there] = desiredSpoke("u", { ...from, sovereign: held }).objects;
    expect(there).toMatchObject({ spec: { billing: own.spec.billing } });
    expect(JSON.stringify(there)).not.toContain("hold");
  });
});

describe("freeFieldsOf", () => {
  it("returns branding, tiers and add-ons of a Sovereign, and nothing of other kinds", () => {
    expect(freeFieldsOf(own)).toEqual(["spec.branding", "spec.tiers", "spec.addons"]);
    expect(freeFieldsOf(policy)).toEqual([]);
  });
});

describe("offerOf", () => {
  it("reads the Franchisee's fields from the Sovereign that has them", () => {
    expect(offerOf(sovereign("a"))).toEqual({});
    expect(offerOf(sovereign("a", { tiers, addons: tiers }))).toEqual({ tiers, addons: tiers });
  });
});
