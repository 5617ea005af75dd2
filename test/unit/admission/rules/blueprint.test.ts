import { describe, expect, it } from "vitest";
import { artifactsToCheck } from "../../../../src/admission/rules/rule-list.ts";
import type { Blueprint } from "../../../../src/api/blueprint.ts";
import {
  creation,
  type Denial,
  deletion,
  expected,
  FRANCHISEE,
  facts,
  GROUP,
  request,
  TENANT,
  violationsOf,
} from "../../../support/builder/admission-request.ts";
import { franchise, IMAGE, NEXT_IMAGE } from "../../../support/builder/catalyst-object.ts";

const KIND = { group: GROUP, resource: "blueprints", namespace: "catalog-sovereign" };
const spec = (change: object = {}) => ({
  kind: "Blueprint",
  spec: { visibility: "private", franchise: "omantel", source: { ref: `oci://${IMAGE}` }, ...change },
});
const existing = (...names: string[]) =>
  names.map(
    (name) =>
      ({ metadata: { name, namespace: "catalog-sovereign" }, spec: { franchise: "omantel" } }) as Blueprint,
  );
const grantOf = (name: string, max?: number) => ({
  ...franchise(name),
  spec: {
    ...franchise(name).spec,
    grants: { branding: false, ...(max === undefined ? {} : { privateBlueprints: { max } }) },
  },
});
const franchisee = (...franchises: ReturnType<typeof grantOf>[]) => ({
  kind: "franchisee" as const,
  franchises,
});
const tooMany = (max: number, path = "blueprints/x") =>
  [
    "blueprint-grant",
    path,
    `Franchise omantel grants at most ${max} private Blueprints (privateBlueprints.max); delete one, or ask the platform team for a larger grant`,
  ] as const;
const notOwn = (names: string) =>
  [
    "blueprint-franchise",
    "spec.franchise",
    `a private Blueprint belongs to the Franchise that makes it; set this field to ${names}`,
  ] as const;
const FOREIGN = [
  "blueprint-owner",
  "blueprints/x",
  "this Blueprint belongs to another Franchise; leave it unchanged, or make one of your own",
] as const;
const notPrivate = (shown: string) =>
  [
    "blueprint-visibility",
    "spec.visibility",
    `a Franchisee's Blueprint must be private, not ${shown}; set it to private`,
  ] as const;

describe("the rules for Blueprints", () => {
  it.each<Denial>([
    [
      "a status",
      request({ ...KIND, subresource: "status", object: spec() }),
      facts(),
      [
        "blueprint-status",
        "blueprints/x/status",
        "only the operator may write the status of a Blueprint; change spec instead",
      ],
    ],
    [
      "a Blueprint of a tenant",
      creation({ ...KIND, object: spec() }),
      facts({ identity: TENANT }),
      [
        "blueprint-owner",
        "blueprints/x",
        "only the platform and Franchisees may write Blueprints; ask the Franchisee of your Sovereign, or the platform team",
      ],
    ],
    [
      "a Blueprint outside the private catalog",
      creation({ ...KIND, namespace: "shop", object: spec() }),
      facts(),
      [
        "blueprint-namespace",
        "metadata.namespace",
        "a Franchisee may keep Blueprints only in catalog-sovereign; use that namespace",
      ],
    ],
    [
      "a listed one",
      creation({ ...KIND, object: spec({ visibility: "listed" }) }),
      facts(),
      [...notPrivate("listed")],
    ],
    [
      "one without visibility, on an update",
      request({ ...KIND, oldObject: spec(), object: spec({ visibility: undefined }) }),
      facts(),
      [...notPrivate("empty")],
    ],
    [
      "one more than granted",
      creation({ ...KIND, object: spec() }),
      facts({ privateBlueprints: existing("first") }),
      [...tooMany(1)],
    ],
    [
      "one more than granted whose name the API server makes",
      creation({ ...KIND, name: "", object: spec() }),
      facts({ privateBlueprints: existing("first", "second") }),
      [...tooMany(1, "blueprints/(new)")],
    ],
    [
      "any where none is granted",
      creation({ ...KIND, object: spec({ visibility: "unlisted" }) }),
      facts({ identity: franchisee(grantOf("omantel")) }),
      [...notPrivate("unlisted")],
      [...tooMany(0)],
    ],
    [
      "one that names no Franchise",
      creation({ ...KIND, object: spec({ franchise: undefined }) }),
      facts(),
      [...notOwn("omantel")],
    ],
    [
      "one that names another Franchise",
      creation({ ...KIND, object: spec({ franchise: "other" }) }),
      facts({ identity: franchisee(grantOf("omantel", 3), grantOf("second", 3)) }),
      [...notOwn("omantel or second")],
    ],
    [
      "an update of another Franchise's",
      request({ ...KIND, oldObject: spec({ franchise: "other" }), object: spec() }),
      facts(),
      [...FOREIGN],
    ],
    [
      "deleting another Franchise's",
      deletion({ ...KIND, oldObject: spec({ franchise: "other" }) }),
      facts(),
      [...FOREIGN],
    ],
    [
      "deleting one that belongs to no Franchise",
      deletion({ ...KIND, oldObject: spec({ franchise: undefined }) }),
      facts(),
      [...FOREIGN],
    ],
  ])("deny %s", (_, input, known, ...violations) =>
    expect(violationsOf(input, known)).toEqual(expected(violations)),
  );

  it.each([
    [
      "one beside those of other Franchises, which do not count",
      creation({ ...KIND, object: spec() }),
      facts({
        privateBlueprints: existing("a", "b").map((it) => ({
          ...it,
          spec: { ...it.spec, franchise: "other" },
        })),
      }),
    ],
    ["the first", creation({ ...KIND, object: spec() }), facts()],
    [
      "one within the grant of the Franchise that it names",
      creation({ ...KIND, object: spec() }),
      facts({
        identity: franchisee(grantOf("other", 1), grantOf("omantel", 3)),
        privateBlueprints: existing("a", "b"),
      }),
    ],
    [
      "creating one again that exists already",
      creation({ ...KIND, object: spec() }),
      facts({ privateBlueprints: existing("x") }),
    ],
    [
      "an update where the grant is used up",
      request({ ...KIND, oldObject: spec(), object: spec({ version: "2.0.0" }) }),
      facts({ privateBlueprints: existing("x", "y") }),
    ],
    [
      "deleting one that is not private",
      deletion({ ...KIND, oldObject: spec({ visibility: "listed" }) }),
      facts({ privateBlueprints: existing("x", "y") }),
    ],
    [
      "blueprints of another API group",
      creation({ group: "example.com", resource: "blueprints", object: spec({ visibility: "listed" }) }),
      facts({ identity: TENANT }),
    ],
  ])("allow %s", (_, input, known) => expect(violationsOf(input, known)).toEqual([]));
});

describe("the artifact of a Blueprint", () => {
  const field = (reference: string, visibility: string | undefined = "private") => ({
    artifact: {
      reference,
      use: { kind: "blueprint", namespace: "catalog-sovereign", visibility, franchise: "omantel" },
    },
    path: "spec.source.ref",
    rule: "blueprint-signature",
  });
  const artifacts = (input: Parameters<typeof artifactsToCheck>[0]) =>
    artifactsToCheck(input, facts({ identity: FRANCHISEE }));

  it.each([
    ["a new Blueprint", creation({ ...KIND, object: spec() }), field(`oci://${IMAGE}`)],
    [
      "another artifact in a Blueprint",
      request({ ...KIND, oldObject: spec(), object: spec({ source: { ref: `oci://${NEXT_IMAGE}` } }) }),
      field(`oci://${NEXT_IMAGE}`),
    ],
    [
      "a new Blueprint without source",
      creation({ ...KIND, object: { spec: {} } }),
      {
        ...field(""),
        artifact: {
          reference: "",
          use: {
            kind: "blueprint",
            namespace: "catalog-sovereign",
            visibility: undefined,
            franchise: undefined,
          },
        },
      },
    ],
    [
      "a creation that sends the old object along",
      creation({ ...KIND, oldObject: spec(), object: spec() }),
      field(`oci://${IMAGE}`),
    ],
  ])("checks the artifact of %s", (_, input, expectedField) =>
    expect(artifacts(input)).toEqual([expectedField]),
  );

  it.each([
    ["when it stays", request({ ...KIND, oldObject: spec(), object: spec({ visibility: "listed" }) })],
    ["on deletion", deletion({ ...KIND, object: spec() })],
    ["on a status", request({ ...KIND, subresource: "status", object: spec() })],
    ["for another kind of the group", creation({ ...KIND, resource: "sovereigns", object: spec() })],
    ["for blueprints of another group", creation({ ...KIND, group: "example.com", object: spec() })],
  ])("does not check an artifact %s", (_, input) => expect(artifacts(input)).toEqual([]));
});
