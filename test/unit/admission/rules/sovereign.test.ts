import { describe, expect, it } from "vitest";
import type { Franchise } from "../../../../src/api/franchise.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  facts,
  GROUP,
  request,
  sovereignUpdate,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const PLATFORM_ONLY = [
  "sovereign-field",
  "sovereigns/omantel",
  "only the platform may create or delete Sovereigns or write their status; ask the platform team to make the change",
] as const;
const notOwn = (path: string) =>
  [
    "sovereign-field",
    path,
    "only its own Franchisee may change Sovereign omantel; leave it unchanged, or ask the platform team to make the change",
  ] as const;
const closed = (path: string) =>
  [
    "sovereign-field",
    path,
    "a Franchisee may change only spec.branding, spec.tiers, spec.addons; leave this unchanged, or ask the platform team to make the change",
  ] as const;
const CLIENT_SIDE =
  "a Franchisee may change only spec.branding, spec.tiers, spec.addons; use `kubectl apply --server-side` with these fields alone, or `kubectl patch --type=merge`, which write no annotation, or ask the platform team to make the change";
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";
const annotated = (before: object | undefined, after: object) =>
  sovereignUpdate({}, {
    oldObject: { metadata: before && { annotations: before }, spec: { franchise: "omantel" } },
    object: { metadata: { annotations: after }, spec: { franchise: "omantel" } },
  } as Parameters<typeof sovereignUpdate>[1]);
const granting = (grants: Partial<Franchise["spec"]["grants"]>, name = "omantel") =>
  facts({
    identity: {
      kind: "franchisee",
      franchises: [
        { ...franchise(name), spec: { ...franchise(name).spec, grants: { branding: false, ...grants } } },
      ],
    },
  });
const KIND = { group: GROUP, resource: "sovereigns", name: "omantel", namespace: "" };

/** The hub's ownership of a field. */
const HUBS = {
  manager: "hub",
  operation: "Apply",
  fieldsV1: { "f:spec": { "f:fqdn": {}, "f:branding": {} } },
};

describe("the rule for Sovereigns", () => {
  it.each<Denial>([
    ["creating one", creation(KIND), facts(), [...PLATFORM_ONLY]],
    ["deleting one", deletion(KIND), facts(), [...PLATFORM_ONLY]],
    [
      "a status",
      sovereignUpdate({}, { subresource: "status" }),
      facts(),
      [PLATFORM_ONLY[0], "sovereigns/omantel/status", PLATFORM_ONLY[2]],
    ],
    [
      "an update that changes nothing, by a tenant, who would own its fields",
      sovereignUpdate({}),
      facts({ identity: TENANT }),
      [...notOwn("sovereigns/omantel")],
    ],
    [
      "a change by a tenant",
      sovereignUpdate({ branding: { displayName: "Mine" }, fqdn: "other.example" }),
      facts({ identity: TENANT }),
      [...notOwn("spec.branding")],
      [...notOwn("spec.fqdn")],
    ],
    [
      "a change by another Franchisee",
      sovereignUpdate({ branding: { displayName: "Mine" } }),
      granting({ branding: true }, "other"),
      [...notOwn("spec.branding")],
    ],
    ["another field", sovereignUpdate({ fqdn: "other.example" }), facts(), [...closed("spec.fqdn")]],
    [
      "a label, and a field whose name begins like an open one",
      sovereignUpdate(
        {},
        {
          oldObject: { metadata: { labels: {} }, spec: { franchise: "omantel" } },
          object: { metadata: { labels: { a: "b" } }, spec: { franchise: "omantel", tiersExtra: 1 } },
        },
      ),
      facts(),
      [...closed("metadata.labels.a")],
      [...closed("spec.tiersExtra")],
    ],
    [
      "the annotation of a client-side apply, on an object without annotations",
      annotated(undefined, { [LAST_APPLIED]: "{}" }),
      facts(),
      ["sovereign-field", "metadata.annotations", CLIENT_SIDE],
    ],
    [
      "the annotation of a client-side apply, by which the platform's next apply deletes fields",
      annotated({ a: "b", [LAST_APPLIED]: "{}" }, { a: "c", [LAST_APPLIED]: '{"spec":{"fqdn":"x"}}' }),
      facts(),
      [...closed("metadata.annotations.a")],
      ["sovereign-field", `metadata.annotations.${LAST_APPLIED}`, CLIENT_SIDE],
    ],
    [
      "erasing who owns the fields",
      sovereignUpdate({}, {
        oldObject: { metadata: { managedFields: [HUBS] }, spec: { franchise: "omantel" } },
        object: { metadata: { managedFields: [] }, spec: { franchise: "omantel" } },
      } as unknown as Parameters<typeof sovereignUpdate>[1]),
      facts(),
      [
        "sovereign-field",
        "metadata.managedFields",
        "only the API server may change who owns a field; leave this unchanged, or ask the platform team to make the change",
      ],
    ],
    [
      "another first annotation",
      annotated(undefined, { a: "b" }),
      facts(),
      [...closed("metadata.annotations")],
    ],
    [
      "moving it to one's own Franchise",
      sovereignUpdate(
        {},
        {
          oldObject: { spec: { franchise: "other" } },
          object: { spec: { franchise: "omantel" } },
        },
      ),
      facts(),
      [...notOwn("spec.franchise")],
    ],
    [
      "branding without the grant",
      sovereignUpdate({ branding: { displayName: "Omantel" } }),
      granting({ tiers: ["*"] }),
      [
        "sovereign-branding-grant",
        "spec.branding",
        "Franchise omantel does not grant branding; leave this unchanged, or ask the platform team for the grant",
      ],
    ],
    [
      "tiers that are not granted",
      sovereignUpdate({ tiers: [{ id: "starter" }, { id: "gold" }, {}] }),
      granting({ tiers: ["starter", "business"] }),
      [
        "sovereign-tier-grant",
        "spec.tiers[gold]",
        "Franchise omantel does not grant tier gold; use starter, business, or ask the platform team for the grant",
      ],
      [
        "sovereign-tier-grant",
        "spec.tiers[]",
        "Franchise omantel does not grant tier ; use starter, business, or ask the platform team for the grant",
      ],
    ],
    [
      "a tier where none is granted",
      sovereignUpdate({ tiers: [{ id: "gold" }] }),
      granting({}),
      [
        "sovereign-tier-grant",
        "spec.tiers[gold]",
        "Franchise omantel does not grant tier gold; remove it, or ask the platform team for the grant",
      ],
    ],
    [
      "several at once",
      sovereignUpdate({ fqdn: "other.example", branding: { displayName: "x" }, tiers: [{ id: "gold" }] }),
      granting({ branding: false, tiers: ["starter"] }),
      [...closed("spec.fqdn")],
      [
        "sovereign-branding-grant",
        "spec.branding",
        "Franchise omantel does not grant branding; leave this unchanged, or ask the platform team for the grant",
      ],
      [
        "sovereign-tier-grant",
        "spec.tiers[gold]",
        "Franchise omantel does not grant tier gold; use starter, or ask the platform team for the grant",
      ],
    ],
  ])("denies %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    [
      "branding, and a granted tier beside one from before",
      sovereignUpdate({ branding: { displayName: "Omantel" }, tiers: [{ id: "starter" }, { id: "old" }] }),
      facts(),
    ],
    ["add-ons without any grant", sovereignUpdate({ addons: [{ id: "backup" }] }), granting({})],
    [
      "any tier where all are granted",
      sovereignUpdate({ tiers: [{ id: "gold" }] }),
      granting({ tiers: ["*"] }),
    ],
    ["no tiers at all", sovereignUpdate({ tiers: undefined }), granting({})],
    [
      "a tier that is not granted, as it was",
      sovereignUpdate(
        { addons: [] },
        {
          oldObject: { spec: { franchise: "omantel", tiers: [{ id: "gold" }] } },
          object: { spec: { franchise: "omantel", tiers: [{ id: "gold" }], addons: [] } },
        },
      ),
      granting({}),
    ],
    [
      "one field of branding",
      sovereignUpdate(
        {},
        {
          oldObject: { spec: { franchise: "omantel", branding: { displayName: "a", color: "b" } } },
          object: { spec: { franchise: "omantel", branding: { displayName: "c", color: "b" } } },
        },
      ),
      granting({ branding: true }),
    ],
    ["sovereigns of another API group", deletion({ ...KIND, group: "example.com" }), facts()],
    ["another kind", request({ group: "example.com", resource: "others" }), facts()],
  ])("allows %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));

  it("denies one field of branding without the grant", () => {
    const input = sovereignUpdate(
      {},
      {
        oldObject: { spec: { franchise: "omantel", branding: { displayName: "a" } } },
        object: { spec: { franchise: "omantel", branding: { displayName: "b" } } },
      },
    );
    expect(violationsOf(input, granting({})).map(({ rule, path }) => [rule, path])).toEqual([
      ["sovereign-branding-grant", "spec.branding"],
    ]);
  });
});

describe("server-side apply to a Sovereign", () => {
  const applied = (fields: object) => {
    const update = sovereignUpdate({});
    const managedFields = [{ manager: "franchisee", operation: "Apply", fieldsV1: { "f:spec": fields } }];
    return {
      ...update,
      object: { ...update.object, metadata: { ...update.object?.metadata, managedFields } },
    } as typeof update;
  };

  it("may not take a field of the platform, even with the same value", () => {
    expect(violationsOf(applied({ "f:fqdn": {} }), granting({ branding: true }))).toEqual(
      expected([[...closed("spec.fqdn")]]),
    );
  });

  it("may own branding", () => {
    expect(
      violationsOf(applied({ "f:branding": { "f:displayName": {} } }), granting({ branding: true })),
    ).toEqual([]);
  });
});

describe("the rule for a Sovereign's fields", () => {
  it("lets its Franchisee take branding from the hub", () => {
    const object = (fields: object) => ({
      metadata: { managedFields: [{ ...HUBS, fieldsV1: { "f:spec": fields } }] },
      spec: { franchise: "omantel" },
    });
    const input = sovereignUpdate({}, {
      oldObject: object({ "f:fqdn": {}, "f:branding": {} }),
      object: object({ "f:fqdn": {} }),
    } as unknown as Parameters<typeof sovereignUpdate>[1]);
    expect(violationsOf(input, facts())).toEqual([]);
  });
});
