import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseBranding } from "../../../src/billing/branding.ts";
import { parseCatalogFile, priceOrder } from "../../../src/billing/checkout/catalog.ts";
import { parseVoucherGrants } from "../../../src/billing/voucher/grant.ts";
import { createWatchedFile } from "../../../src/billing/watched-file.ts";
import { createLogger } from "../../../src/platform/log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-file-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("createWatchedFile", () => {
  const logger = createLogger("test", "silent");
  const parse = (json: unknown) => {
    if (typeof json !== "number") throw new Error("no number");
    return json;
  };

  it("follows a file as a ConfigMap changes it, and keeps the last good value", () => {
    const path = join(folder, "value.json");
    const point = (target: string) => {
      symlinkSync(join(folder, target), join(folder, "next"));
      renameSync(join(folder, "next"), path);
    };
    writeFileSync(join(folder, "a"), "1");
    writeFileSync(join(folder, "b"), "2");
    writeFileSync(join(folder, "c"), '"x"');
    point("a");
    const current = createWatchedFile(path, parse, logger);
    expect(current()).toBe(1);
    point("b");
    expect(current()).toBe(2);
    point("c");
    expect([current(), current()]).toEqual([2, 2]);
    rmSync(path);
    expect(current()).toBe(2);
    point("a");
    expect(current()).toBe(1);
  });

  it("throws at the first read, and names the file", () => {
    expect(() => createWatchedFile(join(folder, "none"), parse, logger)).toThrow(join(folder, "none"));
    writeFileSync(join(folder, "bad"), "{");
    expect(() => createWatchedFile(join(folder, "bad"), parse, logger)).toThrow(join(folder, "bad"));
  });
});

describe("parseBranding", () => {
  it("keeps valid members and omits the rest", () => {
    expect(
      parseBranding({
        displayName: "Omantel",
        colour: "#FF7900",
        logo: "https://x.om/l.svg",
        hostname: "cloud.omantel.om",
        keycloakTheme: "t",
      }),
    ).toEqual({
      displayName: "Omantel",
      colour: "#FF7900",
      logoUrl: "https://x.om/l.svg",
      hostname: "cloud.omantel.om",
    });
    expect(
      parseBranding({
        displayName: 5,
        colour: "red;}",
        logo: 'https://x"onerror=',
        hostname: "evil.example/path",
      }),
    ).toEqual({});
    expect(parseBranding(null)).toEqual({});
    for (const json of [[], "Omantel", 5]) expect(() => parseBranding(json)).toThrow("must be a JSON object");
  });
});

describe("parseVoucherGrants", () => {
  it.each([
    [null, {}],
    [{}, {}],
    [
      { maxActive: 0, maxCreditPerVoucherOmr: 2.5, other: 1 },
      { maxActive: 0, maxCreditPerVoucherOmr: 2.5 },
    ],
  ])("reads %o", (json, grants) => expect(parseVoucherGrants(json)).toEqual(grants));
  it.each([[[]], ["x"], [{ maxActive: "5" }], [{ maxActive: -1 }]])("refuses %o", (json) => {
    expect(() => parseVoucherGrants(json)).toThrow();
  });
});

describe("catalog", () => {
  const catalog = parseCatalogFile({
    plans: [{ id: "s", price_baisa: 9_000 }],
    addons: [{ id: "b", price_omr: 1.5 }],
    apps: [{ id: "w" }],
  });

  it("sums plan, apps and add-ons", () => {
    expect(priceOrder(catalog, { planId: "s", apps: ["w"], addons: ["b"] })).toBe(10_500);
  });

  it("accepts every app, at no price, when the file has no list of apps", () => {
    const { apps: _none, ...withoutApps } = { plans: [{ id: "s", price_baisa: 9_000 }], apps: [] };
    expect(priceOrder(parseCatalogFile(withoutApps), { planId: "s", apps: ["any"], addons: [] })).toBe(9_000);
  });

  it("refuses every app when the list of apps is empty", () => {
    const none = parseCatalogFile({ plans: [{ id: "s", price_baisa: 9_000 }], apps: [] });
    expect(() => priceOrder(none, { planId: "s", apps: ["any"], addons: [] })).toThrow(
      expect.objectContaining({ code: "app_unknown" }),
    );
  });

  it.each([[{ plans: {} }], [{ addons: "none" }], [{ apps: 5 }]])("refuses %j", (json) =>
    expect(() => parseCatalogFile(json)).toThrow("must be an array"),
  );
});
