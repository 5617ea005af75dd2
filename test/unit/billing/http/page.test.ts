import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Branding, parseBranding } from "../../../../src/billing/branding.ts";
import { brandPalette, contrast, SURFACES } from "../../../../src/billing/http/page/colour.ts";
import { chooseLanguage, type Language } from "../../../../src/billing/http/page/language.ts";
import { createRedeemPage, type RedeemState } from "../../../../src/billing/http/page/redeem-page.ts";
import { createRedeemText } from "../../../../src/billing/http/page/redeem-text.ts";
import { escapeHtml } from "../../../../src/platform/html.ts";

const FQDN = "omantel.omani.works";
const BRANDING: Branding = { displayName: "Omantel Cloud", colour: "#ff7900", hostname: "cloud.omantel.om" };
const render = createRedeemPage({ sovereignFqdn: FQDN, currency: "OMR" });

const voucher = (members: { code?: string; credit_omr?: number; description?: string } = {}) => ({
  code: "RAMADAN-2026",
  credit_omr: 25,
  description: "A gift",
  active: true,
  accepting_redemptions: true,
  ...members,
});
const STATES: RedeemState[] = [
  { kind: "offer", voucher: voucher(), expiresAt: null },
  { kind: "offer", voucher: voucher(), expiresAt: new Date("2026-12-31T19:59:00Z") },
  { kind: "scheduled", voucher: voucher(), startsAt: new Date("2026-12-31T20:00:00Z") },
  { kind: "ended", voucher: voucher() },
  { kind: "not-valid" },
  { kind: "blank" },
  { kind: "busy", retryAfterS: 40, spreadS: 2 },
  { kind: "unavailable" },
];
const policyHash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const between = (html: string, start: string, end: string) => html.split(start)[1]?.split(end)[0] ?? "";

describe("brandPalette", () => {
  const colour = fc
    .integer({ min: 0, max: 0xffffff })
    .map((value) => `#${value.toString(16).padStart(6, "0")}`);

  it.each(["light", "dark"] as const)(
    "keeps enough contrast on every surface in %s for any colour",
    (scheme) => {
      fc.assert(
        fc.property(colour, (given) => {
          const { fill, onFill, text } = brandPalette(given, scheme);
          expect(contrast(fill, onFill)).toBeGreaterThanOrEqual(4.5);
          for (const surface of Object.values(SURFACES[scheme])) {
            expect(contrast(text, surface)).toBeGreaterThanOrEqual(4.5);
            expect(contrast(fill, surface)).toBeGreaterThanOrEqual(3);
          }
        }),
        { numRuns: 500 },
      );
    },
  );

  it("keeps a colour that has enough contrast", () => {
    expect(brandPalette("#1F5FBF", "light")).toEqual({
      fill: "#1f5fbf",
      onFill: "#ffffff",
      text: "#1f5fbf",
    });
  });

  it.each([
    ["#000000", "#ffffff", 21],
    ["#ffffff", "#ffffff", 1],
    ["#777777", "#ffffff", 4.48],
  ])("measures %s on %s as WCAG does", (one, other, ratio) => {
    expect(contrast(one, other)).toBeCloseTo(ratio, 2);
    expect(contrast(other, one)).toBeCloseTo(ratio, 2);
  });
});

describe("chooseLanguage", () => {
  it.each([
    ["ar", undefined, "ar"],
    ["en", "ar", "en"],
    ["fr", "ar", "ar"],
    ["__proto__", undefined, "en"],
    [undefined, "ar-OM,ar;q=0.9,en;q=0.8", "ar"],
    [undefined, "en;q=0.5, AR;q=0.7", "ar"],
    [undefined, "ar;q=0, fr", "en"],
    [undefined, "fr, de;q=0.5", "en"],
    [undefined, "*", "en"],
    [undefined, "ar;q=nonsense", "en"],
    [undefined, undefined, "en"],
    [undefined, ",;q=;,", "en"],
  ] as const)("takes ?lang=%s with Accept-Language %s for %s", (asked, accepted, language) => {
    expect(chooseLanguage(asked, accepted)).toBe(language);
  });
});

describe("createRedeemText", () => {
  const REDEEM_TEXT = createRedeemText("OMR");

  it.each([
    [0, "٠ ريال عُماني"],
    [1, "ريال عُماني واحد"],
    [2, "ريالين عُمانيين"],
    [3, "٣ ريالات عُمانية"],
    [10, "١٠ ريالات عُمانية"],
    [11, "١١ ريالًا عُمانيًا"],
    [99, "٩٩ ريالًا عُمانيًا"],
    [100, "١٠٠ ريال عُماني"],
    [103, "١٠٣ ريالات عُمانية"],
    [1_250, "١٬٢٥٠ ريالًا عُمانيًا"],
  ])("counts %i OMR in Arabic", (omr, words) => {
    // ICU has written the thousands mark as either of these.
    expect(REDEEM_TEXT.ar.amount(omr).replace("،", "٬")).toBe(words);
  });

  it.each([
    [1, "1 second,", "ثانية واحدة ثم"],
    [2, "2 seconds,", "ثانيتين ثم"],
    [7, "7 seconds,", "٧ ثوانٍ ثم"],
    [42, "42 seconds,", "٤٢ ثانية ثم"],
  ])("counts %i seconds in both", (seconds, english, arabic) => {
    expect(REDEEM_TEXT.en.busy.hint(seconds)).toContain(english);
    expect(REDEEM_TEXT.ar.busy.hint(seconds)).toContain(arabic);
  });

  it.each([
    ["USD", "25 USD", "٢٥ دولار أمريكي"],
    ["JPY", "25 JPY", "٢٥ ين ياباني"],
    ["KWD", "25 KWD", "٢٥ دينار كويتي"],
  ])("names %s as the currency in both", (currency, english, arabic) => {
    const { en, ar } = createRedeemText(currency);
    expect([en.amount(25), ar.amount(25)]).toEqual([english, arabic]);
  });

  it("separates the thousands of an English amount", () => {
    expect(REDEEM_TEXT.en.amount(1_250)).toBe("1,250 OMR");
  });
});

describe("createRedeemPage", () => {
  describe.each(["en", "ar"] as const)("in %s", (language) => {
    it.each(STATES)("shows $kind", (state) => {
      const { html, headers } = render({ state, code: "RAMADAN-2026", language }, BRANDING);
      expect(html).toContain(`<html lang="${language}" dir="${language === "ar" ? "rtl" : "ltr"}">`);
      expect(html).toContain(`<main data-state="${state.kind}">`);
      expect(html.match(/<h1>/g)).toHaveLength(1);
      const visible = between(html, "<body>", "<script");
      expect(visible).not.toMatch(/undefined|null|\[object|\{\w+\}|\son\w+=|\sstyle=/);
      expect(Buffer.byteLength(html)).toBeLessThan(12_000);
      expect(headers["Content-Language"]).toBe(language);
      // The policy names the hash of the style and of the script, and allows no other ones.
      const style = between(html, "<style>", "</style>");
      const script = between(html, '<script type="module">', "</script>");
      expect(headers["Content-Security-Policy"]).toBe(
        `default-src 'none'; style-src ${policyHash(style)}; img-src data:; script-src ${policyHash(script)}; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`,
      );
      expect(html.match(/<(script|style|link|img|iframe|object)\b/g)?.sort()).toEqual([
        "<link",
        "<script",
        "<style",
      ]);
    });
  });

  it("passes the code to sign-up and to the other language", () => {
    const state = { kind: "offer", voucher: voucher({ code: "A/B & C" }), expiresAt: null } as const;
    const { html } = render({ state, code: "a/b & c", language: "en" }, BRANDING);
    expect(html).toContain('href="https://cloud.omantel.om/signup?voucher=A%2FB%20%26%20C"');
    expect(html).toContain('data-voucher="A/B &#38; C"');
    expect(html).toContain('href="/redeem?code=a%2Fb%20%26%20c&#38;lang=ar"');
    expect(render({ state, code: "x".repeat(1_000), language: "en" }, BRANDING).html).toContain(
      'href="/redeem?lang=ar"',
    );
  });

  it("escapes the text of a voucher, a visitor and the branding", () => {
    const hostile = `</style><script>alert(1)</script><img src=x onerror='a' alt="b">&\u202e`;
    const page = (state: RedeemState) =>
      render({ state, code: hostile, language: "ar" }, { ...BRANDING, displayName: hostile }).html;
    for (const state of [
      { kind: "offer", voucher: voucher({ code: hostile, description: hostile }), expiresAt: null },
      {
        kind: "scheduled",
        voucher: voucher({ code: hostile, description: hostile }),
        startsAt: new Date(0),
      },
      { kind: "ended", voucher: voucher({ code: hostile, description: hostile }) },
      { kind: "not-valid" },
    ] as const) {
      const html = page(state);
      expect(html.match(/<script\b/g)).toHaveLength(1);
      expect(html.match(/<\/style>/g)).toHaveLength(1);
      expect(html).not.toMatch(/<img|onerror='/);
    }
    expect(page({ kind: "not-valid" })).toContain(`value="${escapeHtml(hostile)}"`);
  });

  it("renders a name that is not well-formed, and one without letters", () => {
    for (const displayName of ["\ud800", " ", "👨‍👩‍👧 Family"]) {
      const { html } = render({ state: { kind: "blank" }, code: "", language: "en" }, { displayName });
      expect(html).toContain('<link rel="icon" href="data:image/svg+xml,');
    }
  });

  it.each([
    ["https://cdn.omantel.om/a/logo.svg", "https://cdn.omantel.om"],
    ["https://cdn.omantel.om:8443/logo.svg?x=1&y=2", "https://cdn.omantel.om:8443"],
    ["data:image/png;base64,AAAA", "data:"],
  ])("allows the logo %s from %s only", (logo, source) => {
    const branding = parseBranding({ logo });
    const { html, headers } = render({ state: { kind: "blank" }, code: "", language: "en" }, branding);
    expect(headers["Content-Security-Policy"]).toContain(`; img-src ${source}; script-src`);
    expect(html).toContain(`<img class="logo" src="${escapeHtml(logo)}" alt=""`);
  });
});

describe("the redeem page for a customer", () => {
  const offer = (language: Language, description: string, branding: Branding) => {
    const state = {
      kind: "offer",
      voucher: voucher({ code: "GIFT", description }),
      expiresAt: null,
    } as const;
    return render({ state, code: "gift", language }, branding).html;
  };

  it.each([
    ["en", "A gift\nهدية لك", "A gift"],
    ["ar", "A gift\nهدية لك", "هدية لك"],
    ["ar", "A gift", "A gift"],
    ["en", "هدية لك", "هدية لك"],
    ["en", " One \r\n\n Two \nهدية", "One Two"],
    ["en", "Eid offer by عُمانتل\nTerms at example.om\nعرض العيد", "Eid offer by عُمانتل Terms at example.om"],
    ["ar", "Eid offer by عُمانتل\nTerms at example.om\nعرض العيد", "عرض العيد"],
    ["ar", "Gift\n25 هدية من Omantel", "25 هدية من Omantel"],
    ["en", "Gift\n50 %\nهدية", "Gift 50 %"],
  ] as const)("shows a description in %s, where it is given: %j", (language, description, shown) => {
    expect(offer(language, description, BRANDING)).toContain(`<bdi>${shown}</bdi>`);
  });

  it.each([
    ["en", "Already a customer?", "Help"],
    ["ar", "هل لديك حساب؟", "المساعدة"],
  ] as const)("leads customers to sign-in and to help in %s", (language, hasAccount, help) => {
    const html = offer(language, "", { ...BRANDING, helpUrl: "https://omantel.om/help?a=1&b=2" });
    expect(html).toContain(`${hasAccount} <a href="https://cloud.omantel.om/login?voucher=GIFT"`);
    expect(html).toContain(`<a href="https://omantel.om/help?a=1&#38;b=2" rel="noreferrer">${help}</a>`);
    expect(offer(language, "", BRANDING)).not.toContain(`>${help}</a>`);
  });

  it.each([
    ["https://omantel.om/help", true],
    ["mailto:help@omantel.om", true],
    ["http://omantel.om/help", false],
    ["javascript:alert(1)", false],
    ['https://omantel.om/"><script>', false],
  ])("takes a help address only over https or by mail: %s", (helpUrl, isTaken) => {
    expect(parseBranding({ helpUrl })).toEqual(isTaken ? { helpUrl } : {});
  });
});

describe("parseBranding", () => {
  it.each([
    "https://a.example;script-src/x",
    "https://a.example,b/x",
    "https://a.example%3Bscript-src/x",
    "https://:",
    "https://user@[::1]/x",
    "https://*/x",
    "http://a.example/x",
    "javascript:alert(1)",
    "data:text/html;base64,AAAA",
  ])("refuses a logo from %s", (logo) => {
    expect(parseBranding({ logo })).toEqual({});
  });
});
