import { describe, expect, it } from "vitest";
import { issueVoucher, signToken, startBilling } from "../support/builder/billing.ts";
import { eventually } from "../support/wait.ts";
import { signIn, useAdmin } from "./admin-visit.ts";

const { billing, visitAdmin } = useAdmin(startBilling, async (started) => {
  await issueVoucher(started, "RAMADAN-2026", { description: "A gift" });
});

const open = () => visitAdmin({ role: "sovereign-admin" });

describe("a form of /admin", () => {
  it("takes a date that is typed without a pause, and no year of five digits", async () => {
    const { page, faults, close } = await open();
    await page.locator("#issue").click();
    await page.locator("#issue-credit").fill("5");
    await page.locator("#issue-code").fill("TYPED-DATE");
    await page.locator("#issue-expires").focus();
    await page.keyboard.type("111120901200PM");
    expect(await page.locator("#issue-expires").inputValue()).toBe("2090-11-11T12:00");
    await page.locator("#issue-form .action").click();
    await page.getByText("TYPED-DATE is issued.").waitFor();
    const token = await signToken("fatma", "sovereign-admin");
    const { json } = await billing().ask("/billing/vouchers/read/TYPED-DATE", { token });
    expect(json.expires_at).toBe("2090-11-11T08:00:00.000Z");
    expect(faults).toEqual([]);
    await close();
  });

  it.each([
    ["bulk", { count: "7", credit: "5", description: "Many" }],
    ["edit", { credit: "44", description: "A larger gift" }],
  ])("keeps its content when the session ends: %s", async (form, values) => {
    const { page, close } = await open();
    if (form === "edit") {
      await page.getByRole("link", { name: "RAMADAN-2026" }).click();
      await page.getByRole("button", { name: "Edit" }).click();
    } else await page.locator("#bulk").click();
    for (const [field, value] of Object.entries(values)) await page.locator(`#${form}-${field}`).fill(value);
    await page.evaluate('sessionStorage.setItem("catalyst-admin-token", "ended")');
    await page.locator(`#${form}-form .action`).click();
    await page.getByText("What you entered is kept.").waitFor();
    await page.locator("#token").fill(await signToken("fatma", "sovereign-admin"));
    await page.locator("#token-form button").click();
    await page.locator(`#${form}-dialog[open]`).waitFor();
    for (const [field, value] of Object.entries(values))
      expect(await page.locator(`#${form}-${field}`).inputValue()).toBe(value);
    if (form === "edit")
      expect(await page.locator("#edit-changes li").allTextContents()).toEqual([
        expect.stringMatching(/^Credit: OMR\s25 → OMR\s44$/),
        "Description: A gift → A larger gift",
      ]);
    await close();
  });

  it("keeps only the changed fields of an edit when the session ends, so that other people's changes stay", async () => {
    const token = await signToken("fatma", "sovereign-admin");
    await issueVoucher(billing(), "KEPT-EDIT", {
      credit_omr: 10,
      max_redemptions: 5,
      description: "A\r\nB ",
    });
    const { page, close } = await visitAdmin({ role: "sovereign-admin", hash: "#voucher=KEPT-EDIT" });
    await page.getByRole("button", { name: "Edit" }).click();
    expect(await page.locator("#edit-description").inputValue()).toBe("A\nB");
    // Line breaks and blanks that a form does not have are no change.
    expect(await page.locator("#edit-changes li").allTextContents()).toEqual([]);
    expect(await page.locator("#edit-save").isDisabled()).toBe(true);
    await page.locator("#edit-cap").fill("7");
    await billing().ask("/billing/vouchers/update/KEPT-EDIT", {
      ...{ method: "PUT", token },
      body: { credit_omr: 15, description: "Three\r\nFour" },
    });
    await page.evaluate('sessionStorage.setItem("catalyst-admin-token", "ended")');
    await page.locator("#edit-save").click();
    await page.getByText("What you entered is kept.").waitFor();
    await signIn(page, "sovereign-admin");
    await page.locator("#edit-dialog[open]").waitFor();
    await eventually(async () => expect(await page.locator("#edit-cap").inputValue()).toBe("7"));
    expect(await page.locator("#edit-credit").inputValue()).toBe("15");
    expect(await page.locator("#edit-description").inputValue()).toBe("Three\nFour");
    await page.locator("#edit-save").click();
    await page.getByText("KEPT-EDIT is changed.").waitFor();
    const { json } = await billing().ask("/billing/vouchers/read/KEPT-EDIT", { token });
    expect(json).toMatchObject({ credit_omr: 15, max_redemptions: 7, description: "Three\r\nFour" });
    await close();
  });
});
