import { describe, expect, it } from "vitest";
import type { Blueprint } from "../../../../src/api/blueprint.ts";
import {
  isCatalogEntryChanged,
  isOfferedBy,
  offeredApps,
} from "../../../../src/controllers/sovereign/desired-catalog.ts";
import { blueprint, sovereign } from "../../../support/builder/catalyst-object.ts";

const { status: _none, ...unseen } = blueprint("wiki");
const omantel = sovereign("omantel", { role: "Franchised", franchise: "omantel" });
const bank = sovereign("bank");
const own = (name: string, franchise?: string, visibility: Blueprint["spec"]["visibility"] = "private") =>
  blueprint(
    name,
    { visibility, ...(franchise === undefined ? {} : { franchise }) },
    { namespace: "catalog-sovereign" },
  );

describe("isOfferedBy", () => {
  it.each<[string, Blueprint, boolean, boolean]>([
    ["a listed one of the catalog", blueprint("wiki"), true, true],
    ["an unlisted one of the catalog", blueprint("wiki", { visibility: "unlisted" }), true, true],
    ["a private one in the catalog", blueprint("wiki", { visibility: "private" }), false, false],
    ["a private one of the Franchise", own("shop", "omantel"), true, false],
    ["a private one of another Franchise", own("shop", "ooredoo"), false, false],
    ["a private one of no Franchise", own("shop"), false, false],
    ["a listed one among the private ones", own("shop", "omantel", "listed"), false, false],
    ["one of any other namespace", blueprint("wiki", {}, { namespace: "default" }), false, false],
  ])("decides about %s", (_which, some, franchised, selfHosted) => {
    expect([isOfferedBy(omantel, some), isOfferedBy(bank, some)]).toEqual([franchised, selfHosted]);
  });
});

describe("offeredApps", () => {
  it("lists the verified Blueprints by name, at the prices of their cards, free by default", () => {
    const wiki = blueprint("wiki", { card: { title: "Wiki", priceBaisa: 2_500 } });
    expect(offeredApps(omantel, [wiki, own("shop", "omantel"), own("other", "ooredoo")])).toEqual([
      { id: "shop", name: "SHOP", priceBaisa: 0 },
      { id: "wiki", name: "Wiki", priceBaisa: 2_500 },
    ]);
  });

  const changed = { source: { ref: `oci://registry.example/blueprints/wiki@sha256:${"d".repeat(64)}` } };
  it.each<[string, Blueprint]>([
    ["is not verified", blueprint("wiki", {}, { verified: "False" })],
    ["could not be checked", blueprint("wiki", {}, { verified: "Unknown" })],
    ["was verified for another artifact", blueprint("wiki", changed)],
    ["has no status yet", unseen],
  ])("leaves out a Blueprint that %s", (_why, some) => {
    expect(offeredApps(omantel, [some])).toEqual([]);
  });

  it.each([[[0, 1]], [[1, 0]]])("gives a name to the public catalog, in the order %j", (order) => {
    const both = [blueprint("wiki", { card: { title: "Public" } }), own("wiki", "omantel")];
    const listed = order.map((at) => both[at]).filter((some) => some !== undefined);
    expect(offeredApps(omantel, listed)).toEqual([{ id: "wiki", name: "Public", priceBaisa: 0 }]);
  });
});

describe("isCatalogEntryChanged", () => {
  it.each<[string, boolean, Blueprint]>([
    ["its price", true, blueprint("wiki", { card: { title: "WIKI", priceBaisa: 1 } })],
    ["its title", true, blueprint("wiki", { card: { title: "Wiki" } })],
    ["its visibility", true, blueprint("wiki", { visibility: "private" })],
    ["its verification", true, blueprint("wiki", {}, { verified: "False" })],
    ["its version", false, blueprint("wiki", { version: "2.0.0" })],
    ["a price of 0", false, blueprint("wiki", { card: { title: "WIKI", priceBaisa: 0 } })],
  ])("compares %s", (_what, expected, after) => {
    expect(isCatalogEntryChanged(blueprint("wiki"), after)).toBe(expected);
  });
});
