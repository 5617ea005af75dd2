import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { issueVoucher, startBilling, type TestBilling } from "../support/builder/billing.ts";
import { axeViolations, LOOKS, launchBrowser, overflow, visit } from "../support/server/browser.ts";
import { eventually } from "../support/wait.ts";

const BRANDING = { displayName: "Omantel Cloud", colour: "#ff7900", hostname: "cloud.omantel.om" };

let browser: Browser;
let billing: TestBilling;
/** This service allows one miss a minute for each client. */
let busy: TestBilling;

beforeAll(async () => {
  browser = await launchBrowser();
  billing = await startBilling({ files: { BRANDING_FILE: BRANDING } });
  busy = await startBilling({ files: { BRANDING_FILE: BRANDING }, env: { PREVIEW_MISS_LIMIT: "1" } });
  const description = "A Ramadan gift for new customers of Omantel Cloud.";
  await issueVoucher(billing, "RAMADAN-2026", { description });
  await issueVoucher(billing, "WINTER-2025", { description: "Winter campaign.", active: false });
});
afterAll(async () => {
  await browser?.close();
  await billing?.close();
  await busy?.close();
});

const STATES = [
  ["an offer", "/redeem?code=ramadan-2026", "offer"],
  ["an ended campaign", "/redeem?code=WINTER-2025", "ended"],
  ["an unknown code", "/redeem?code=NO-SUCH-CODE", "not-valid"],
  ["no code", "/redeem?code=", "blank"],
  ["too many tries", "/redeem?code=MISS", "busy"],
] as const;

const originOf = (state: string) => (state === "busy" ? busy.origin : billing.origin);
/** Makes more misses than the limit of this minute. A slow run takes several minutes, and the limit starts again in each. */
async function useUpTries(): Promise<void> {
  for (let miss = 0; miss < 2; miss += 1) await busy.ask("/redeem?code=MISS");
}
/** The pages with status 404 and 410 are correct, but Chromium reports these statuses as errors. */
const isStatus = (fault: string) => /status of (404|410|429)/.test(fault);

describe.each(STATES)("/redeem with %s", (_name, path, state) => {
  it.each(LOOKS)("has no fault in %s, %s, %i pixels wide", async (language, scheme, width) => {
    if (state === "busy") await useUpTries();
    const { page, faults, close } = await visit(browser, `${originOf(state)}${path}&lang=${language}`, {
      scheme,
      width,
    });
    expect(await page.locator("main").getAttribute("data-state")).toBe(state);
    expect(await page.evaluate("[document.documentElement.lang, document.dir]")).toEqual([
      language,
      language === "ar" ? "rtl" : "ltr",
    ]);
    expect(await axeViolations(page)).toEqual([]);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect(faults.filter((fault) => !isStatus(fault))).toEqual([]);
    await close();
  });
});

describe("/redeem", () => {
  it("links to sign-up and looks up another code without JavaScript", async () => {
    const { page, faults, close } = await visit(browser, `${billing.origin}/redeem`, { javaScript: false });
    await page.getByLabel("Voucher code").fill(" ramadan-2026 ");
    await page.getByRole("button", { name: "Look it up" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("25 OMR");
    expect(await page.getByRole("link", { name: "Sign up and redeem" }).getAttribute("href")).toBe(
      "https://cloud.omantel.om/signup?voucher=RAMADAN-2026",
    );
    expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(0);
    await page.getByRole("link", { name: "العربية" }).click();
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toContain("٢٥ ريالًا عُمانيًا");
    expect(faults).toEqual([]);
    await close();
  });

  it("reloads by itself after too many misses, with JavaScript and without it", async () => {
    await useUpTries();
    const { page, close } = await visit(browser, `${busy.origin}/redeem?code=MISS`);
    await page.clock.install();
    await page.reload();
    const seconds = Number(await page.locator("a.action").getAttribute("data-retry"));
    expect(await page.locator("#hint").textContent()).toContain(`${seconds} second`);
    let loads = 0;
    page.on("load", () => {
      loads += 1;
    });
    await page.clock.fastForward((seconds - 1) * 1000);
    expect(loads).toBe(0);
    await page.clock.fastForward(2000);
    await eventually(() => expect(loads).toBe(1));
    await close();
    await useUpTries();
    const plain = await visit(browser, `${busy.origin}/redeem?code=MISS`, { javaScript: false });
    const refresh = await plain.page.locator('meta[http-equiv="refresh"]').getAttribute("content");
    expect(Number(refresh)).toBe(Number(await plain.page.locator("a.action").getAttribute("data-retry")));
    await plain.close();
  });

  it("stores the code of an offer, and of no other state, where the marketplace looks for it", async () => {
    const pending = 'localStorage.getItem("sme-pending-voucher")';
    const { page, close } = await visit(browser, `${billing.origin}/redeem?code=WINTER-2025`);
    expect(await page.evaluate(pending)).toBeNull();
    await page.goto(`${billing.origin}/redeem?code=ramadan-2026`);
    expect(await page.evaluate(pending)).toBe("RAMADAN-2026");
    await page.getByRole("button", { name: "Copy" }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe("RAMADAN-2026");
    expect(await page.getByRole("button", { name: "Copied" }).count()).toBe(1);
    await close();
  });

  it("uses the browser's language, unless the visitor chose another", async () => {
    const { page, close } = await visit(browser, `${billing.origin}/redeem`, { locale: "ar-OM" });
    expect(await page.evaluate("document.documentElement.lang")).toBe("ar");
    await page.getByRole("link", { name: "English" }).click();
    expect(await page.evaluate("document.documentElement.lang")).toBe("en");
    await close();
  });

  it.each(["#ffffff", "#000000", "#ffff00", "#0000ff", "#7f7f7f"])("can be read in %s", async (colour) => {
    const one = await startBilling({ files: { BRANDING_FILE: { ...BRANDING, colour } } });
    await issueVoucher(one, "COLOUR");
    for (const scheme of ["light", "dark"] as const) {
      const { page, faults, close } = await visit(browser, `${one.origin}/redeem?code=COLOUR`, { scheme });
      expect(await axeViolations(page)).toEqual([]);
      expect(faults).toEqual([]);
      await close();
    }
    await one.close();
  });

  it("runs no script from a voucher or the branding", async () => {
    const hostile = `"'><img src=x onerror=alert(1)><script>alert(2)</script><style>*{display:none}</style>`;
    const one = await startBilling({ files: { BRANDING_FILE: { ...BRANDING, displayName: hostile } } });
    await issueVoucher(one, "HOSTILE", { description: hostile });
    for (const path of ["/redeem?code=HOSTILE", `/redeem?code=${encodeURIComponent(hostile)}`, "/admin"]) {
      const { page, faults, close } = await visit(browser, `${one.origin}${path}`);
      page.on("dialog", () => faults.push("a dialog opened"));
      await page.locator("main :is(h1, h2)").first().waitFor();
      expect(await page.locator(".brand-name").textContent()).toBe(hostile);
      expect(faults.filter((fault) => !isStatus(fault))).toEqual([]);
      await close();
    }
    await one.close();
  });
});
