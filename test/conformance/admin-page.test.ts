import { describe, expect, it } from "vitest";
import { issueVoucher, placeOrder, signToken, startBilling } from "../support/builder/billing.ts";
import { axeViolations, LOOKS, overflow } from "../support/server/browser.ts";
import { eventually } from "../support/wait.ts";
import { expectText, rowOf, scanQr, signIn, useAdmin } from "./admin-visit.ts";

const BRANDING = { displayName: "Omantel Cloud", colour: "#ff7900" };

const { billing, visitAdmin } = useAdmin(
  () => startBilling({ files: { BRANDING_FILE: BRANDING } }),
  async (started) => {
    await issueVoucher(started, "RAMADAN-2026", { description: "A gift" });
    for (const user of ["aisha", "salim", "mariam"]) {
      expect((await placeOrder(started, user, { promo_code: "RAMADAN-2026" })).status).toBe(200);
    }
  },
);

const WRONG_TOKEN = "This token is not valid here. Check that it is complete and for this Sovereign.";

describe("/admin", () => {
  it.each(LOOKS)("has no fault in %s, %s, %i pixels wide", async (language, scheme, width) => {
    const { page, faults, close } = await visitAdmin({ language, scheme, width });
    const expectSound = async () => {
      expect(await axeViolations(page)).toEqual([]);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
    };
    await expectSound();
    await signIn(page, "superadmin");
    await page.locator("summary").click();
    await expectSound();
    await page.locator("#issue").click();
    await expectSound();
    await page.locator("#issue-dialog [data-close]").click();
    await rowOf(page, "RAMADAN-2026").locator("button").nth(1).click();
    await page.locator("#qr svg").waitFor();
    await expectSound();
    await page.locator("#link-dialog [data-close]").click();
    await rowOf(page, "RAMADAN-2026").locator("button").nth(2).click();
    await expectSound();
    expect(faults).toEqual([]);
    await close();
  });

  it("issues, finds, shares and revokes a voucher", async () => {
    const { page, faults, close } = await visitAdmin({ role: "sovereign-admin" });
    await page.getByRole("button", { name: "Issue a voucher" }).click();
    await page.locator("#issue-dialog").getByLabel("Credit in OMR").fill("40");
    await page.locator("#issue-dialog").getByLabel("Description", { exact: true }).fill("National Day");
    await page.locator("#issue-dialog").getByLabel("Code", { exact: true }).fill("national-day");
    await page.locator("#issue-dialog").getByLabel("Maximum redemptions").fill("10");
    await page.locator("#issue-dialog").getByLabel("Valid until").fill("2090-11-18T12:00");
    await page.locator("#issue-dialog").getByRole("button", { name: "Issue a voucher" }).click();
    await page.getByText("NATIONAL-DAY is issued.").waitFor();
    const listed = await billing().ask("/billing/vouchers/list", {
      token: await signToken("x", "superadmin"),
    });
    expect(listed.json[0]).toMatchObject({
      code: "NATIONAL-DAY",
      credit_omr: 40,
      description: "National Day",
      max_redemptions: 10,
      // The field shows local time, and Muscat is four hours ahead of UTC.
      expires_at: "2090-11-18T08:00:00.000Z",
    });
    await eventually(async () =>
      expect(await rowOf(page, "NATIONAL-DAY").locator("td").allTextContents()).toMatchObject([
        expect.stringMatching(/^NATIONAL-DAYNational DayUntil Nov 18, 2090/),
        expect.stringMatching(/^OMR\s40$/),
        "0 of 10",
        "Live",
        expect.anything(),
      ]),
    );

    const rows = page.locator("#voucher-rows tr");
    const search = page.getByLabel("Search code or description");
    await search.fill("nothing like it");
    await page.getByText("No voucher matches.").waitFor();
    await search.fill("national d");
    await eventually(async () =>
      expect(await rows.allTextContents()).toEqual([expect.stringContaining("NATIONAL-DAY")]),
    );

    const link = `${billing().origin}/redeem?code=NATIONAL-DAY`;
    await page.getByRole("button", { name: "Copy link NATIONAL-DAY" }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(link);
    await page.getByRole("button", { name: "QR code NATIONAL-DAY" }).click();
    await page.locator("#qr svg").waitFor();
    expect(await scanQr(page)).toBe(link);
    await page.locator("#link-dialog").getByRole("button", { name: "Close" }).click();

    await page.getByRole("button", { name: "Revoke NATIONAL-DAY" }).click();
    await page.locator("#revoke-dialog").getByRole("button", { name: "Revoke" }).click();
    await page.getByText("NATIONAL-DAY is revoked.").waitFor();
    await eventually(async () => expect(await rowOf(page, "NATIONAL-DAY").count()).toBe(0));
    expect((await billing().ask("/redeem?code=NATIONAL-DAY")).status).toBe(404);
    expect(faults).toEqual([]);
    await close();
  });

  it("issues a voucher with a generated code, and loads more vouchers than one page has", async () => {
    const one = await startBilling({ files: { BRANDING_FILE: BRANDING } });
    for (let index = 1; index <= 60; index += 1) await issueVoucher(one, `MANY-${index}`);
    const { page, faults, close } = await visitAdmin({ role: "sovereign-admin", origin: one.origin });
    const rows = page.locator("#voucher-rows tr");
    expect(await rows.count()).toBe(50);
    await page.getByRole("button", { name: "Show more" }).click();
    await eventually(async () => expect(await rows.count()).toBe(60));
    expect(await page.getByRole("button", { name: "Show more" }).count()).toBe(0);

    await page.getByRole("button", { name: "Issue a voucher" }).click();
    await page.locator("#issue-dialog").getByLabel("Credit in OMR").fill("7");
    await page.locator("#issue-dialog").getByRole("button", { name: "Issue a voucher" }).click();
    await expectText(page, "#notice", /^[A-Z0-9-]{8,} is issued\.$/);
    const [code = ""] = ((await page.locator("#notice").textContent()) ?? "").split(" ");
    await rowOf(page, code).waitFor();
    expect((await one.ask(`/redeem?code=${code}`)).text).toContain("7 OMR");
    expect(faults).toEqual([]);
    await close();
    await one.close();
  });

  it("shows the reason of a refusal in the dialog", async () => {
    const { page, close } = await visitAdmin({ role: "sovereign-admin" });
    await page.getByRole("button", { name: "Issue a voucher" }).click();
    await page.locator("#issue-dialog").getByLabel("Credit in OMR").fill("40");
    await page.locator("#issue-dialog").getByLabel("Code", { exact: true }).fill("no good code");
    await page.locator("#issue-dialog").getByRole("button", { name: "Issue a voucher" }).click();
    await page.locator("#issue-problem").waitFor();
    expect(await page.locator("#issue-problem").textContent()).toBe(
      "Code: use 3 to 64 letters A–Z, digits, - and _, and begin with a letter or a digit.",
    );
    expect(await axeViolations(page)).toEqual([]);
    await close();
  });

  it("shows redemptions to every administrator, and money and orders only to superadmins", async () => {
    const admin = await visitAdmin({ role: "sovereign-admin" });
    expect(await admin.page.locator("#chart svg").getAttribute("aria-label")).toBe(
      "3 redemptions in the last 30 days",
    );
    expect(await admin.page.locator("#redemption-rows tr").count()).toBe(30);
    expect(await admin.page.locator("#tiles strong").allTextContents()).toMatchObject([
      "3",
      expect.stringMatching(/^OMR\s75$/),
    ]);
    for (const part of ["#money", "#balance-rows", "#order-rows"])
      expect(await admin.page.locator(part).isVisible()).toBe(false);
    expect(await admin.page.locator("#tiles li").count()).toBe(2);
    await admin.page.getByRole("button", { name: "7 days" }).click();
    await admin.page.locator('#chart svg[aria-label="3 redemptions in the last 7 days"]').waitFor();
    expect(admin.faults).toEqual([]);
    await admin.close();

    const superadmin = await visitAdmin({ role: "superadmin" });
    expect(await superadmin.page.locator("#balance-rows tr").count()).toBe(3);
    expect(await superadmin.page.locator("#balance-rows tr").first().textContent()).toMatch(
      /@example\.om.*OMR\s16/,
    );
    expect(await superadmin.page.locator("#order-rows tr").count()).toBe(3);
    expect(superadmin.faults).toEqual([]);
    await superadmin.close();
  });

  it("keeps the token in the tab and out of every URL, and removes it at sign-out and when it expires", async () => {
    const { page, context, close } = await visitAdmin({ role: "sovereign-admin" });
    const token = await page.evaluate('sessionStorage.getItem("catalyst-admin-token")');
    expect(token).toMatch(/^ey/);
    await page.reload();
    await page.locator("#signed-in").waitFor();
    expect(await context.cookies()).toEqual([]);
    expect(await page.evaluate("localStorage.length")).toBe(0);
    expect(page.url()).not.toContain(token);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.locator("#signed-out").waitFor();
    expect(await page.evaluate("sessionStorage.length")).toBe(0);

    for (const [given, words] of [
      ...["no-token", "رمز", "two words", "x".repeat(20_000)].map((given) => [given, WRONG_TOKEN] as const),
      [await signToken("someone", "member"), "This account is not an administrator of this Sovereign."],
    ] as const) {
      await page.locator("#token").fill(given);
      await page.locator("#token-form button").click();
      await page.getByText(words).waitFor();
      expect(await page.evaluate("sessionStorage.length")).toBe(0);
    }
    await close();
  });

  it("keeps the token while the service is unavailable", async () => {
    const { page, close } = await visitAdmin({ role: "sovereign-admin" });
    await page.route("**/billing/**", (route) => route.abort());
    await page.reload();
    await page.getByText("The service cannot be reached. Try again in a moment.").waitFor();
    await page.unroute("**/billing/**");
    await page.reload();
    await page.locator("#signed-in").waitFor();
    await close();
  });
});
