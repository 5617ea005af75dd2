import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { issueVoucher, placeOrder, signToken, startBilling } from "../support/builder/billing.ts";
import { axeViolations, overflow } from "../support/server/browser.ts";
import { eventually } from "../support/wait.ts";
import { expectText, rowOf, signIn, useAdmin } from "./admin-visit.ts";

const EXAMPLE = new URL("../../docs/examples/40-franchise-omantel.yaml", import.meta.url);
const GRANTS = parseAllDocuments(readFileSync(EXAMPLE, "utf8"))[0]?.toJS().spec.grants.vouchers as object;

const { billing, visitAdmin } = useAdmin(
  () => startBilling({ files: { GRANTS_FILE: GRANTS } }),
  async (started) => {
    await issueVoucher(started, "RAMADAN-2026", { description: "A gift", max_redemptions: 100 });
    for (const user of ["aisha", "salim", "mariam"])
      expect((await placeOrder(started, user, { promo_code: "RAMADAN-2026" })).status).toBe(200);
  },
);

const open = (options: Parameters<typeof visitAdmin>[0] = {}) =>
  visitAdmin({ role: "sovereign-admin", ...options });
const admin = () => signToken("fatma", "sovereign-admin");
const read = async (code: string) =>
  (await billing().ask(`/billing/vouchers/read/${code}`, { token: await admin() })).json;

describe("a voucher on /admin", () => {
  it("is issued by the default form under the example Franchise, which shows what the grants leave", async () => {
    const { page, faults, close } = await open();
    await page.locator("#issue").click();
    await eventually(async () =>
      expect(await page.locator("#issue-room li").allTextContents()).toEqual([
        expect.stringMatching(/^Your agreement allows at most OMR\s100 for a voucher\.$/),
        expect.stringMatching(/^\d+ of 1,000 vouchers are live or scheduled\.$/),
        expect.stringMatching(/^OMR\s[\d,]+ of credit is left/),
      ]),
    );
    await page.locator("#issue-credit").fill("20");
    await page.locator("#issue-form .action").click();
    await expectText(page, "#notice", / is issued\.$/);
    expect(faults).toEqual([]);
    await close();
  });

  it.each([
    ["en", /^Credit in OMR: This is more than your agreement allows\. Issue less, or revoke a voucher\.$/],
    ["ar", /^الرصيد \([^)]+\): هذا أكثر مما يسمح به اتفاقك\. أصدر أقل، أو أبطل قسيمة\.$/],
  ])("is refused in the page's language, by the label of its field (%s)", async (language, words) => {
    const { page, close } = await open({ language });
    await page.locator("#issue").click();
    await page.locator("#issue-credit").fill("101");
    await page.locator("#issue-form .action").click();
    await page.locator("#issue-problem").waitFor();
    expect(await page.locator("#issue-problem").textContent()).toMatch(words);
    await close();
  });

  it("is never overwritten by the issue form: the page links to the existing voucher", async () => {
    await issueVoucher(billing(), "TAKEN-CODE", { credit_omr: 30, max_redemptions: 5 });
    const before = await read("TAKEN-CODE");
    const { page, close } = await open();
    await page.locator("#issue").click();
    await page.locator("#issue-credit").fill("20");
    await page.locator("#issue-code").fill("taken-code");
    await page.locator("#issue-form .action").click();
    await page.locator("#issue-problem a").click();
    await page.locator("#voucher-title").filter({ hasText: "TAKEN-CODE" }).waitFor();
    expect(await read("TAKEN-CODE")).toEqual(before);
    await close();
  });

  it("has a page of its own with its terms and its history, where it is edited, paused and revoked", async () => {
    await issueVoucher(billing(), "OWN-PAGE", { credit_omr: 40, description: "Old", max_redemptions: 5 });
    const { page, faults, close } = await open();
    await rowOf(page, "OWN-PAGE").getByRole("link", { name: "OWN-PAGE" }).click();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.locator("#edit-credit").fill("50");
    await page.locator("#edit-expires").fill("2090-11-18T12:00");
    expect(await page.locator("#edit-changes li").allTextContents()).toEqual([
      expect.stringMatching(/^Credit: OMR\s40 → OMR\s50$/),
      expect.stringMatching(/^Valid until: none → Nov 18, 2090/),
    ]);
    expect(await axeViolations(page)).toEqual([]);
    await page.locator("#edit-save").click();
    await page.getByText("OWN-PAGE is changed.").waitFor();
    expect(await read("OWN-PAGE")).toMatchObject({
      ...{ credit_omr: 50, description: "Old", max_redemptions: 5 },
      expires_at: "2090-11-18T08:00:00.000Z",
    });
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("OWN-PAGE is paused.").waitFor();
    await expectText(page, "#voucher-standing", "Paused");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("OWN-PAGE can be redeemed again.").waitFor();
    await page.locator("#voucher-actions").getByRole("button", { name: "Revoke" }).click();
    await page.locator("#revoke-confirm").click();
    await expectText(page, "#voucher-standing", "Revoked");
    const changes = page.locator("#history-rows td:nth-child(2) .strong");
    const made = ["Revoked", "Changed", "Changed", "Changed", "Issued"];
    await eventually(async () => expect(await changes.allTextContents()).toEqual(made));
    expect(await page.locator("#history-rows td:nth-child(3)").first().textContent()).toBe("fatma");
    expect(await page.locator("#voucher-actions button").count()).toBe(0);
    expect(await axeViolations(page)).toEqual([]);
    expect(faults).toEqual([]);
    await page.goBack();
    await page.locator("#voucher-rows tr").first().waitFor();
    await close();
  });

  it("stays on its page when the language changes", async () => {
    const { page, close } = await open({ hash: "#voucher=RAMADAN-2026" });
    await expectText(page, "#voucher-title", "RAMADAN-2026");
    await page.locator("a[hreflang=ar]").click();
    await page.waitForURL(`${billing().origin}/admin?lang=ar#voucher=RAMADAN-2026`);
    await close();
  });

  it("is not overwritten after another administrator changed it", async () => {
    await issueVoucher(billing(), "TWO-EDITORS", { credit_omr: 10, max_redemptions: 5 });
    const { page, close } = await open({ hash: "#voucher=TWO-EDITORS" });
    await page.getByRole("button", { name: "Edit" }).click();
    await page.locator("#edit-description").fill("Mine");
    await billing().ask("/billing/vouchers/update/TWO-EDITORS", {
      ...{ method: "PUT", token: await admin() },
      body: { credit_omr: 15 },
    });
    await page.locator("#edit-save").click();
    await page.getByText("Another administrator has changed this voucher.").waitFor();
    expect((await read("TWO-EDITORS")).description).not.toBe("Mine");
    // The person did not change the credit, so the form takes the other administrator's.
    const mine = [expect.stringMatching(/→ Mine$/)];
    const changes = page.locator("#edit-changes li");
    await eventually(async () => expect(await changes.allTextContents()).toEqual(mine));
    await page.locator("#edit-save").click();
    await page.getByText("TWO-EDITORS is changed.").waitFor();
    expect(await read("TWO-EDITORS")).toMatchObject({ credit_omr: 15, description: "Mine" });
    await close();
  });

  it("is revoked only as the dialog shows it", async () => {
    await issueVoucher(billing(), "SEEN-FIRST", { credit_omr: 10, max_redemptions: 5 });
    const { page, faults, close } = await open();
    await rowOf(page, "SEEN-FIRST").getByRole("button", { name: "Revoke" }).click();
    const shown = page.locator("#revoke-terms li");
    await eventually(async () => expect(await shown.first().textContent()).toMatch(/^Credit: OMR\s10$/));
    expect(await axeViolations(page)).toEqual([]);
    await issueVoucher(billing(), "SEEN-FIRST", { credit_omr: 15, max_redemptions: 5 });
    await page.locator("#revoke-confirm").click();
    await page.getByText("Another administrator has changed this voucher.").waitFor();
    expect(await read("SEEN-FIRST")).toMatchObject({ credit_omr: 15, active: true });
    await eventually(async () => expect(await shown.first().textContent()).toMatch(/^Credit: OMR\s15$/));
    await page.locator("#revoke-confirm").click();
    await page.getByText("SEEN-FIRST is revoked.").waitFor();
    expect((await read("SEEN-FIRST")).standing).toBe("revoked");
    // The refusal is the only fault: the console shows each answer of 412.
    expect(faults.filter((fault) => !fault.includes("412"))).toEqual([]);
    await close();
  });

  it("is found by its standing, also after it was revoked", async () => {
    await issueVoucher(billing(), "LATER-ON", { starts_at: "2090-01-01T00:00:00Z", max_redemptions: 1 });
    await issueVoucher(billing(), "NO-LONGER", { max_redemptions: 1 });
    await billing().ask("/billing/vouchers/revoke/NO-LONGER", { method: "DELETE", token: await admin() });
    const { page, faults, close } = await open();
    await page.getByLabel("Status", { exact: true }).first().selectOption("scheduled");
    await eventually(async () => expect(await page.locator("#voucher-rows tr").count()).toBe(1));
    expect(await rowOf(page, "LATER-ON").locator(".dates").textContent()).toMatch(/^From Jan 1, 2090/);
    await page.locator("#standing").selectOption("revoked");
    await eventually(async () => expect(await rowOf(page, "NO-LONGER").count()).toBe(1));
    expect(await rowOf(page, "NO-LONGER").locator("button").count()).toBe(0);
    expect(faults).toEqual([]);
    await close();
  });

  it.each([
    ["en", "shop", "3 vouchers are issued."],
    ["ar", "mall", "صدرت ٣ قسائم."],
  ])(
    "is one of many that one form issues, with a CSV file of their codes (%s)",
    async (language, prefix, words) => {
      const { page, faults, close } = await open({ language });
      await page.locator("#bulk").click();
      await page.locator("#bulk-count").fill("3");
      await page.locator("#bulk-credit").fill("5");
      await page.locator("#bulk-prefix").fill(prefix);
      const downloading = page.waitForEvent("download");
      await page.locator("#bulk-form .action").click();
      const file = readFileSync(await (await downloading).path(), "utf8");
      await page.getByText(words).waitFor();
      const codes = `${prefix.toUpperCase()}-`;
      expect(file.match(new RegExp(`^${codes}`, "gm"))).toHaveLength(3);
      await eventually(async () => expect(await rowOf(page, codes).count()).toBe(3));
      expect(faults).toEqual([]);
      await close();
    },
  );
});

describe("/admin", () => {
  it("keeps the content of a form when the session ends", async () => {
    const { page, close } = await open();
    await page.locator("#issue").click();
    await page.locator("#issue-credit").fill("33");
    await page.locator("#issue-description").fill("Half written");
    await page.evaluate('sessionStorage.setItem("catalyst-admin-token", "ended")');
    await page.locator("#issue-form .action").click();
    await page.getByText("Your session has ended. Sign in again. What you entered is kept.").waitFor();
    await signIn(page, "sovereign-admin");
    await page.locator("#issue-dialog[open]").waitFor();
    expect(await page.locator("#issue-credit").inputValue()).toBe("33");
    expect(await page.locator("#issue-description").inputValue()).toBe("Half written");
    await page.locator("#issue-form .action").click();
    await expectText(page, "#notice", / is issued\.$/);
    expect(await page.evaluate('sessionStorage.getItem("catalyst-admin-draft")')).toBeNull();
    await close();
  });

  it("says that the token has expired", async () => {
    const { page, close } = await visitAdmin();
    const claims = Buffer.from(JSON.stringify({ sub: "x", exp: 1 })).toString("base64url");
    await page.locator("#token").fill(`eyJhbGciOiJIUzI1NiJ9.${claims}.c2ln`);
    await page.locator("#token-form button").click();
    await page.getByText("This token has expired. Get a new one.").waitFor();
    await close();
  });

  it("names the two buttons of the revoke dialog differently in Arabic", async () => {
    const { page, close } = await open({ language: "ar" });
    await rowOf(page, "RAMADAN-2026").locator("button").last().click();
    expect(await page.locator("#revoke-dialog .buttons button").allTextContents()).toEqual([
      "رجوع",
      "إبطال القسيمة",
    ]);
    await close();
  });

  it("lets an auditor read everything and offers no change", async () => {
    const { page, faults, close } = await open({ role: "sovereign-auditor" });
    expect(await page.locator("#money").isVisible()).toBe(true);
    for (const id of ["#issue", "#bulk"]) expect(await page.locator(id).isVisible()).toBe(false);
    expect(await rowOf(page, "RAMADAN-2026").getByRole("button", { name: "Revoke" }).count()).toBe(0);
    await page.getByRole("link", { name: "RAMADAN-2026" }).click();
    await page.locator("#history-rows tr").first().waitFor();
    expect(await page.locator("#voucher-actions button").allTextContents()).toEqual(["Copy link", "QR code"]);
    expect(faults).toEqual([]);
    await close();
  });

  it("has a header of one row, reachable buttons and no toast over rows on a telephone", async () => {
    const { page, close } = await open({ width: 360, height: 640 });
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    expect((await page.locator("header.top").boundingBox())?.height).toBeLessThan(80);
    await page.locator("#issue").click();
    const isReachable = async (selector: string) => {
      const box = await page.locator(selector).boundingBox();
      return box !== null && box.y >= 0 && box.y + box.height <= 640;
    };
    for (const button of [".action", "[data-close]"])
      await eventually(async () => expect(await isReachable(`#issue-form ${button}`)).toBe(true));
    await page.locator("#issue-credit").fill("5");
    await page.locator("#issue-form .action").click();
    await expectText(page, "#notice", / is issued\.$/);
    await eventually(async () => {
      const toast = await page.locator("#notice").boundingBox();
      expect((toast?.y ?? 0) + (toast?.height ?? 0)).toBeLessThan(120);
    });

    await rowOf(page, "RAMADAN-2026").getByRole("link", { name: "RAMADAN-2026" }).click();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.locator("#edit-dialog[open]").waitFor();
    await page.locator("#edit-starts").focus();
    await eventually(async () => {
      const field = await page.locator("#edit-starts").boundingBox();
      const buttons = await page.locator("#edit-dialog .buttons").boundingBox();
      expect((field?.y ?? 640) + (field?.height ?? 0)).toBeLessThanOrEqual(buttons?.y ?? 0);
    });
    await page.locator("#edit-dialog [data-close]").click();
    const who = await page.locator("#history-rows td:last-child").first().boundingBox();
    expect(who?.height).toBeLessThan(40);
    expect(await overflow(page)).toBeLessThanOrEqual(0);
    await close();
  });

  it.each(["en", "ar"])("draws each bar over its label, with its value (%s)", async (language) => {
    const { page, close } = await open({ language });
    await page.locator("#period button").first().click();
    const middleOf = async (selector: string) => {
      const box = await page.locator(selector).last().boundingBox();
      return (box?.x ?? 0) + (box?.width ?? 0) / 2;
    };
    await eventually(async () => expect(await page.locator("#redemption-rows tr").count()).toBe(7));
    expect(await page.locator("#chart .value").count()).toBe(1);
    const bar = await middleOf("#chart .bar");
    expect(Math.abs((await middleOf("#chart .value")) - bar)).toBeLessThan(2);
    // The day labels are the last texts, so the last bar is today's.
    expect(Math.abs((await middleOf("#chart text:not(.value)")) - bar)).toBeLessThan(2);
    expect(await page.locator("#chart .value").textContent()).toBe(language === "ar" ? "٣" : "3");
    await close();
  });
});
