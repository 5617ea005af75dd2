import { describe, expect, it } from "vitest";
import type { Franchise } from "../../../../src/api/franchise.ts";
import {
  desiredSettings,
  settingsCondition,
} from "../../../../src/controllers/sovereign/desired-settings.ts";
import { franchise, sovereign } from "../../../support/builder/catalyst-object.ts";

const tier = (id: string) => ({ id, name: id, priceBaisa: 5000 });
const branding = { displayName: "Omantel", hostname: "shop.omantel.example" };
const tiers = [tier("starter"), tier("platinum")];
const addons = [tier("backup")];
const franchised = sovereign("omantel", {
  ...{ role: "Franchised", franchise: "omantel" },
  ...{ branding, tiers, addons },
});
const granting = (grants: Franchise["spec"]["grants"]) => ({
  ...franchise("omantel"),
  spec: { ...franchise("omantel").spec, grants },
});
const exceeded = (path: string, what: string) => ({
  reason: "GrantExceeded",
  message: `${path}: Franchise omantel does not grant ${what}: remove it, or ask the platform team for the grant`,
});

describe("desiredSettings", () => {
  it.each([
    ["the Franchise grants each", { branding: true, tiers: ["starter", "platinum"] }],
    ["the Franchise grants any tier", { branding: true, tiers: ["*"] }],
  ])("keeps all settings when %s", (_which, grants) => {
    const settings = desiredSettings({
      sovereign: franchised,
      franchise: granting(grants),
      isHostTaken: false,
    });
    expect(settings).toEqual({ branding, tiers, addons, refused: [] });
  });

  it("limits nothing for a Sovereign without a Franchise", () => {
    const own = sovereign("zero", { branding, tiers, addons });
    expect(desiredSettings({ sovereign: own, franchise: undefined, isHostTaken: false })).toEqual({
      ...{ branding, tiers, addons, refused: [] },
    });
  });

  it("leaves out what the Franchise does not grant, and says what to do", () => {
    const agreement = granting({ branding: false, tiers: ["starter"] });
    expect(desiredSettings({ sovereign: franchised, franchise: agreement, isHostTaken: false })).toEqual({
      branding: {},
      tiers: [tier("starter")],
      addons,
      refused: [exceeded("spec.branding", "branding"), exceeded("spec.tiers[platinum]", "tier platinum")],
    });
  });

  it("grants nothing while the Franchise does not exist", () => {
    const settings = desiredSettings({ sovereign: franchised, franchise: undefined, isHostTaken: false });
    expect(settings).toMatchObject({ branding: {}, tiers: [], addons });
    expect(settings.refused).toHaveLength(3);
  });

  it("leaves out a host name that another Sovereign serves, and does not name that Sovereign", () => {
    const agreement = granting({ branding: true, tiers: ["*"] });
    expect(desiredSettings({ sovereign: franchised, franchise: agreement, isHostTaken: true })).toEqual({
      branding: { displayName: "Omantel" },
      ...{ tiers, addons },
      refused: [
        {
          reason: "HostTaken",
          message:
            "spec.branding.hostname: another Sovereign serves shop.omantel.example: choose another host name",
        },
      ],
    });
  });
});

describe("settingsCondition", () => {
  const conditionOf = (grants: Franchise["spec"]["grants"]) =>
    settingsCondition(
      desiredSettings({ sovereign: franchised, franchise: granting(grants), isHostTaken: false }),
    );

  it("is True when nothing was left out", () => {
    expect(conditionOf({ branding: true, tiers: ["*"] })).toEqual({
      ...{ type: "SettingsAccepted", status: "True", reason: "Accepted" },
      message: "billing has all branding, tiers and add-ons of the spec",
    });
  });

  it("has the reason of the first refusal and all messages", () => {
    expect(conditionOf({ branding: false, tiers: ["starter"] })).toEqual({
      ...{ type: "SettingsAccepted", status: "False", reason: "GrantExceeded" },
      message:
        `${exceeded("spec.branding", "branding").message}; ` +
        exceeded("spec.tiers[platinum]", "tier platinum").message,
    });
  });

  it("names five refusals and counts the others", () => {
    const many = sovereign("omantel", {
      ...{ role: "Franchised", franchise: "omantel" },
      tiers: Array.from({ length: 64 }, (_, index) => tier(`${"t".repeat(60)}${index}`)),
    });
    const { message } = settingsCondition(
      desiredSettings({ sovereign: many, franchise: granting({ branding: false }), isHostTaken: false }),
    );
    expect(message).toMatch(/; and 59 more$/);
    expect(message.length).toBeLessThan(2_000);
  });
});
