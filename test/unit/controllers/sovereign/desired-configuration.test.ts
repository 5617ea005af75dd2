import { describe, expect, it } from "vitest";
import { desiredConfiguration } from "../../../../src/controllers/sovereign/desired-configuration.ts";
import { desiredSettings } from "../../../../src/controllers/sovereign/desired-settings.ts";
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
    const own = sovereign("omantel", { role: "Franchised", franchise: "omantel" });
    const input = {
      ...{ sovereign: own, franchise: agreement, isInTerm },
      settings: desiredSettings({ sovereign: own, franchise: agreement, isHostTaken: false }),
      ...{ blueprints: [], orderNoticeUrl: "http://operator/orders-placed", operatorJwks: { keys: [] } },
    };
    expect(JSON.parse(desiredConfiguration(input).data["grants.json"] ?? "")).toEqual(grants);
  });

  it("writes prices as the voucher API reads them", () => {
    const tiers = [{ id: "starter", name: "Starter", priceBaisa: 5000 }];
    const own = sovereign("o", { tiers, branding: { displayName: "O" } });
    const { data } = desiredConfiguration({
      ...{
        sovereign: own,
        franchise: undefined,
        isInTerm: true,
        blueprints: [],
        orderNoticeUrl: "http://operator/orders-placed",
        operatorJwks: {},
      },
      settings: desiredSettings({ sovereign: own, franchise: undefined, isHostTaken: false }),
    });
    // Without a Franchise, nothing limits vouchers.
    expect(data["grants.json"]).toBe("{}");
    expect(JSON.parse(data["catalog.json"] ?? "")).toEqual({
      plans: [{ id: "starter", name: "Starter", price_baisa: 5000 }],
      addons: [],
      apps: [],
    });
    expect(JSON.parse(data["branding.json"] ?? "")).toEqual({ displayName: "O" });
  });

  it("has the authorities of the issuer's certificate as a file of its own, if there are any", () => {
    const own = sovereign("o");
    const input = {
      ...{ sovereign: own, franchise: undefined, isInTerm: true, blueprints: [], operatorJwks: {} },
      orderNoticeUrl: "http://operator/orders-placed",
      settings: desiredSettings({ sovereign: own, franchise: undefined, isHostTaken: false }),
    };
    expect(desiredConfiguration(input).data).not.toHaveProperty("issuer-ca.pem");
    expect(desiredConfiguration({ ...input, issuerAuthority: "PEM" }).data["issuer-ca.pem"]).toBe("PEM");
  });

  it("writes only the settings that are allowed", () => {
    const tiers = [{ id: "starter", name: "Starter", priceBaisa: 5000 }];
    const own = sovereign("o", { role: "Franchised", franchise: "o", tiers, branding: { displayName: "O" } });
    const { data } = desiredConfiguration({
      ...{
        sovereign: own,
        franchise: undefined,
        isInTerm: false,
        blueprints: [],
        orderNoticeUrl: "http://operator/orders-placed",
        operatorJwks: {},
      },
      settings: desiredSettings({ sovereign: own, franchise: undefined, isHostTaken: false }),
    });
    expect(JSON.parse(data["catalog.json"] ?? "")).toEqual({ plans: [], addons: [], apps: [] });
    expect(JSON.parse(data["branding.json"] ?? "")).toEqual({});
  });
});
