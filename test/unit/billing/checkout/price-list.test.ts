import { describe, expect, it } from "vitest";
import { parseCatalogFile, priceOrder } from "../../../../src/billing/checkout/catalog.ts";

const order = (planId: string) => ({ planId, apps: [], addons: [] });
const catalogOf = (count: number) =>
  parseCatalogFile({
    plans: Array.from({ length: count }, (_, index) => ({ id: `plan-${index + 1}`, price_baisa: 1 })),
  });

describe("a plan that the catalog does not have", () => {
  it.each<[number, string]>([
    [0, "choose one of none"],
    [2, "choose one of plan-1, plan-2"],
    [10, "plan-9, plan-10"],
    [11, "plan-9, plan-10, …"],
  ])("refuses an unknown plan, and names the first ten of %i plans", (count, expected) => {
    const refuse = () => priceOrder(catalogOf(count), order("other"));
    expect(refuse).toThrow(expect.objectContaining({ code: "plan_unknown" }));
    expect(refuse).toThrow(new RegExp(`${expected.replaceAll(".", "\\.")}$`));
  });

  it("refuses every plan while the catalog has none", () => {
    for (const json of [null, undefined, {}])
      expect(() => priceOrder(parseCatalogFile(json), order("small"))).toThrow("choose one of none");
  });
});
