import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Branding } from "../../../../src/billing/branding.ts";
import { createAdminPage } from "../../../../src/billing/http/page/admin-page.ts";
import { scriptJson } from "../../../../src/platform/html.ts";

const FQDN = "omantel.omani.works";
const BRANDING: Branding = { displayName: "Omantel Cloud", colour: "#ff7900", hostname: "cloud.omantel.om" };
const policyHash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const between = (html: string, start: string, end: string) => html.split(start)[1]?.split(end)[0] ?? "";

describe("createAdminPage", () => {
  const { page, assets } = createAdminPage({ sovereignFqdn: FQDN, currency: "OMR" });

  it.each(["en", "ar"] as const)(
    "renders the administrators' page in %s with all that it loads",
    (language) => {
      const { html, headers } = page(language, BRANDING);
      expect(html).toContain(`<html lang="${language}" dir="${language === "ar" ? "rtl" : "ltr"}">`);
      expect(Buffer.byteLength(html)).toBeLessThan(30_000);
      expect(html).not.toMatch(/undefined|\[object|\son\w+=|\sstyle=/);
      expect(headers).toEqual({
        "Content-Security-Policy": `default-src 'none'; style-src 'self' ${policyHash(between(html, "<style>", "</style>"))}; img-src data:; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
        "Content-Language": language,
        "Cache-Control": "no-cache",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        Vary: "Accept-Language",
      });
      const settings = JSON.parse(
        between(html, '<script type="application/json" id="settings">', "</script>"),
      );
      expect(settings).toMatchObject({ signIn: null, locale: language === "ar" ? "ar-OM" : "en-OM" });
      expect(html).not.toContain("issuer-sign-in");
    },
  );

  it.each([
    ["en", ["Credit granted in the last", "Drawn from credit this month"], /revenue|income|turnover/i],
    ["ar", [], /إيراد/],
  ] as const)("calls no credit revenue in %s", (language, words, wrong) => {
    const { html } = page(language, BRANDING);
    for (const word of words) expect(html).toContain(word);
    expect(html).not.toMatch(wrong);
  });

  it("offers sign-in at the issuer, and allows requests to its origin only", () => {
    const signIn = { issuer: "https://id.omantel.om/realms/om", clientId: "</script>" };
    const { html, headers } = createAdminPage({ sovereignFqdn: FQDN, currency: "OMR", signIn }).page(
      "en",
      BRANDING,
    );
    expect(headers["Content-Security-Policy"]).toContain(
      "; connect-src 'self' https://id.omantel.om; base-uri",
    );
    expect(html).toContain('id="issuer-sign-in"');
    const settings = between(html, '<script type="application/json" id="settings">', "</script>");
    expect(JSON.parse(settings).signIn).toEqual(signIn);
  });

  it("renders the administrators' page once for each language and branding", () => {
    expect(page("en", { ...BRANDING })).toBe(page("en", { ...BRANDING }));
    const [first, renamed] = [page("en", BRANDING), page("en", { displayName: "Renamed" })];
    expect(renamed.etag).not.toBe(first.etag);
    expect(page("ar", BRANDING).etag).not.toBe(first.etag);
    expect(page("en", BRANDING).etag).toBe(first.etag);
  });

  it.each([
    ["OMR", "Credit in OMR", "الرصيد (ريال عماني)"],
    ["USD", "Credit in USD", "الرصيد (دولار أمريكي)"],
  ])("asks for credit in %s, and passes the currency to its script", (currency, english, arabic) => {
    const shown = createAdminPage({ sovereignFqdn: FQDN, currency });
    expect(shown.page("en", BRANDING).html).toContain(`>${english}</label>`);
    expect(shown.page("ar", BRANDING).html).toContain(`>${arabic}</label>`);
    expect(shown.page("en", BRANDING).html).toContain(`"currency":"${currency}"`);
  });

  it("contains every element that its modules use, and every module that they import", () => {
    const { html } = createAdminPage({
      ...{ sovereignFqdn: FQDN, currency: "OMR" },
      signIn: { issuer: "https://id.example", clientId: "x" },
    }).page("en", BRANDING);
    const sources = [assets.mainPath, ...assets.modulePaths].map((path) => {
      const [version = "", file = ""] = path.split("/").slice(-2);
      return assets.module(version, file) ?? "";
    });
    const ids = sources.flatMap((source) =>
      [...source.matchAll(/byId\("([\w-]+)"\)/g)].map((match) => match[1]),
    );
    expect(ids.length).toBeGreaterThan(30);
    expect(ids.filter((id) => !html.includes(`id="${id}"`))).toEqual([]);
    const imported = sources.flatMap((source) =>
      [...source.matchAll(/(?:from |import\()"\.\/([\w.-]+)"/g)].map((match) => match[1] ?? ""),
    );
    expect(imported).toContain("qr.js");
    expect(imported.filter((file) => assets.module(assets.version, file) === undefined)).toEqual([]);
  });
});

describe("scriptJson", () => {
  it("writes JSON that cannot end its script element", () => {
    const value = { text: "</script><!-- & \u2028" };
    expect(scriptJson(value)).not.toContain("<");
    expect(JSON.parse(scriptJson(value))).toEqual(value);
  });
});
