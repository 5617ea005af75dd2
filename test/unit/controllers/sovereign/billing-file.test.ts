import { describe, expect, it } from "vitest";
import { parseBranding } from "../../../../src/billing/branding.ts";
import { parseCatalogFile, priceOrder } from "../../../../src/billing/checkout/catalog.ts";
import { parseJwks } from "../../../../src/billing/source.ts";
import { parseVoucherGrants } from "../../../../src/billing/voucher/grant.ts";
import { desiredConfiguration } from "../../../../src/controllers/sovereign/desired-configuration.ts";
import { desiredSettings } from "../../../../src/controllers/sovereign/desired-settings.ts";
import { blueprint, franchise, sovereign } from "../../../support/builder/catalyst-object.ts";

/** The files of a Sovereign, as the operator writes them. */
function written(blueprints: Parameters<typeof desiredConfiguration>[0]["blueprints"]) {
  const agreement = franchise("omantel");
  agreement.spec.grants = { ...agreement.spec.grants, tiers: ["*"] };
  const own = sovereign("omantel", {
    ...{ role: "Franchised", franchise: "omantel" },
    tiers: [{ id: "starter", name: "Starter", priceBaisa: 5_000 }],
    addons: [{ id: "backup", name: "Backup", priceBaisa: 1_500 }],
    branding: { displayName: "Omantel", colour: "#ff7900", hostname: "cloud.omantel.om" },
  });
  const { data } = desiredConfiguration({
    ...{ sovereign: own, franchise: agreement, isInTerm: true, blueprints },
    settings: desiredSettings({ sovereign: own, franchise: agreement, isHostTaken: false }),
    orderNoticeUrl: "http://operator/orders-placed",
    operatorJwks: { keys: [{ kty: "OKP", crv: "Ed25519", kid: "one", x: "abc" }] },
  });
  return (name: string): unknown => JSON.parse(data[name] ?? "");
}

describe("every file that the operator writes and billing reads", () => {
  const shop = { visibility: "private", franchise: "omantel" } as const;
  const file = written([
    blueprint("wordpress"),
    blueprint("crm", { card: { title: "CRM", priceBaisa: 2_000 } }),
    blueprint("web-shop", shop, { namespace: "catalog-sovereign" }),
    blueprint("rival-shop", { ...shop, franchise: "ooredoo" }, { namespace: "catalog-sovereign" }),
    blueprint("unsigned", {}, { verified: "False" }),
  ]);

  it("prices an order of each verified app that the Sovereign offers", () => {
    const catalog = parseCatalogFile(file("catalog.json"));
    expect(catalog.rejected).toEqual([]);
    const order = { planId: "starter", addons: ["backup"] };
    expect(priceOrder(catalog, { ...order, apps: ["wordpress", "crm", "web-shop"] })).toBe(8_500);
    for (const app of ["rival-shop", "unsigned"])
      expect(() => priceOrder(catalog, { ...order, apps: [app] }), app).toThrow(
        expect.objectContaining({ code: "app_unknown" }),
      );
  });

  it("sells no app when the Sovereign offers none", () => {
    const catalog = parseCatalogFile(written([])("catalog.json"));
    expect(() => priceOrder(catalog, { planId: "starter", addons: [], apps: ["wordpress"] })).toThrow(
      expect.objectContaining({ code: "app_unknown" }),
    );
  });

  it("reads branding, grants and keys as they were set", () => {
    expect(parseBranding(file("branding.json"))).toEqual({
      displayName: "Omantel",
      colour: "#ff7900",
      hostname: "cloud.omantel.om",
    });
    expect(parseVoucherGrants(file("grants.json"))).toEqual({ maxActive: 10 });
    expect(parseJwks(file("operator-jwks.json")).keys).toHaveLength(1);
  });
});
