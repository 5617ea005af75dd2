import { statSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  FQDN,
  issueVoucher,
  placeOrder,
  signToken,
  startBilling,
  type TestBilling,
} from "../support/builder/billing.ts";
import { launchBrowser, visit } from "../support/server/browser.ts";

const FOLDER = join(import.meta.dirname, "../../docs/screenshots");
const MAX_BYTES = 150_000;

/** Draws the pictures of docs/billing/pages.md: SCREENSHOTS=write npx vitest run --project conformance screenshot */
describe.runIf(process.env.SCREENSHOTS === "write")("screenshots", () => {
  let browser: Browser;
  let billing: TestBilling;

  beforeAll(async () => {
    billing = await startBilling({
      files: {
        BRANDING_FILE: {
          displayName: "Omantel Cloud",
          colour: "#ff7900",
          hostname: "cloud.omantel.om",
          helpUrl: "https://omantel.om/help",
        },
      },
    });
    // The links in the pictures then have the Sovereign's host name.
    const { host } = new URL(billing.origin);
    browser = await launchBrowser([`--host-resolver-rules=MAP ${FQDN}:80 ${host}`]);
    await issueVoucher(billing, "WINTER-2025", { description: "Winter campaign", active: false });
    await issueVoucher(billing, "NATIONAL-DAY", {
      credit_omr: 40,
      description: "National Day",
      max_redemptions: 9,
    });
    await issueVoucher(billing, "SALALAH-10", {
      credit_omr: 10,
      description: "Khareef season in Salalah",
      starts_at: "2090-06-21T00:00:00Z",
    });
    await issueVoucher(billing, "RAMADAN-2026", {
      description:
        "A Ramadan gift for new customers of Omantel Cloud.\nهدية رمضان لعملاء عمانتل كلاود الجدد.",
      max_redemptions: 500,
    });
    // Orders of one month, a few more each week. Their times are computed, so that each run draws the same chart.
    for (let index = 0; index < 72; index += 1) {
      const promo_code = index % 8 === 7 ? "NATIONAL-DAY" : "RAMADAN-2026";
      const order = await placeOrder(billing, `customer-${index + 1}`, {
        promo_code,
        plan_id: index % 3 ? "small" : "free",
      });
      expect(order.status).toBe(200);
    }
    await billing.database.pool.query(
      `UPDATE promo_redemptions e
          SET created_at = now() - (29 - floor(29 * sqrt(((c.n * 37) % 72) / 72.0))) * interval '1 day'
         FROM (SELECT id, row_number() OVER (ORDER BY length(user_id), user_id) AS n FROM customers) c
        WHERE c.id = e.customer_id`,
    );
  });
  afterAll(async () => {
    await browser?.close();
    await billing?.close();
  });

  async function draw(page: Page, name: string): Promise<void> {
    const path = join(FOLDER, `${name}.png`);
    await page.screenshot({ path });
    expect(statSync(path).size).toBeLessThan(MAX_BYTES);
  }

  it.each([
    ["redeem-offer-en", "code=ramadan-2026&lang=en", "light"],
    ["redeem-offer-ar", "code=ramadan-2026&lang=ar", "light"],
    ["redeem-offer-dark", "code=ramadan-2026&lang=en", "dark"],
    ["redeem-ended", "code=winter-2025&lang=en", "light"],
  ] as const)("%s", async (name, query, scheme) => {
    const options = { scheme, width: 720, height: 800 };
    const { page, close } = await visit(browser, `http://${FQDN}/redeem?${query}`, options);
    await draw(page, name);
    await close();
  });

  it.each([
    ["admin-en", "en", "light", 1200, 1000],
    ["admin-ar-dark", "ar", "dark", 1200, 1000],
    ["admin-narrow", "en", "light", 390, 1400],
  ] as const)("%s", async (name, language, scheme, width, height) => {
    const { page, close } = await visit(browser, `http://${FQDN}/admin?lang=${language}`, {
      scheme,
      width,
      height,
    });
    await page.locator("#token").fill(await signToken("fatma", "superadmin"));
    await page.locator("#token-form button").click();
    await page.locator("#tiles li").nth(3).waitFor();
    await draw(page, name);
    await close();
  });

  it("admin-voucher", async () => {
    const { page, close } = await visit(browser, `http://${FQDN}/admin?lang=en#voucher=NATIONAL-DAY`, {
      width: 1000,
      height: 760,
    });
    const token = await signToken("fatma", "sovereign-admin");
    for (const body of [{ max_redemptions: 20 }, { credit_omr: 45, expires_at: "2090-11-18T20:00:00Z" }])
      await billing.ask("/billing/vouchers/update/NATIONAL-DAY", { method: "PUT", token, body });
    await page.locator("#token").fill(token);
    await page.locator("#token-form button").click();
    await page.locator("#history-rows tr").nth(2).waitFor();
    await draw(page, "admin-voucher");
    await close();
  });

  it("admin-qr", async () => {
    const { page, close } = await visit(browser, `http://${FQDN}/admin`, { width: 1000, height: 760 });
    await page.locator("#token").fill(await signToken("fatma", "sovereign-admin"));
    await page.locator("#token-form button").click();
    await page.getByRole("button", { name: "QR code RAMADAN-2026" }).click();
    await page.locator("#qr svg").waitFor();
    await draw(page, "admin-qr");
    await close();
  });
});
