import { describe, expect, it } from "vitest";
import { desiredConfiguration } from "../../../../src/controllers/sovereign/desired-configuration.ts";
import { franchise, sovereign } from "../../../support/builder/catalyst-object.ts";

describe("desiredConfiguration", () => {
  const NONE = { maxActive: 0, maxOutstandingCreditOmr: 0 };
  const ungranted = {
    ...franchise("omantel"),
    spec: { ...franchise("omantel").spec, grants: { branding: true } },
  };
  it.each([
    ["in its term", franchise("omantel"), true, { maxActive: 10 }],
    ["outside its term", franchise("omantel"), false, NONE],
    ["without the grant", ungranted, true, NONE],
    ["that does not exist", undefined, false, NONE],
  ])("grants vouchers as the Franchise says: one %s", (_which, agreement, isInTerm, grants) => {
    const input = {
      sovereign: sovereign("omantel", { role: "Franchised", franchise: "omantel" }),
      franchise: agreement,
      isInTerm,
      operatorJwks: { keys: [] },
    };
    expect(JSON.parse(desiredConfiguration(input).data["grants.json"] ?? "")).toEqual(grants);
  });

  it("writes prices as the voucher API reads them", () => {
    const tiers = [{ id: "starter", name: "Starter", priceBaisa: 5000 }];
    const { data } = desiredConfiguration({
      sovereign: sovereign("o", { tiers }),
      franchise: undefined,
      isInTerm: true,
      operatorJwks: {},
    });
    // Without a Franchise, nothing limits vouchers.
    expect(data["grants.json"]).toBe("{}");
    expect(JSON.parse(data["catalog.json"] ?? "")).toEqual({
      plans: [{ id: "starter", name: "Starter", price_baisa: 5000 }],
      addons: [],
    });
  });
});
