import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { issueVoucher, signToken, startBilling } from "../support/builder/billing.ts";
import { eventually } from "../support/wait.ts";
import { expectText, rowOf, useAdmin } from "./admin-visit.ts";

const { billing, visitAdmin } = useAdmin(startBilling, async (started) => {
  await issueVoucher(started, "SLOW-ONE", { credit_omr: 10, description: "Slow" });
  await issueVoucher(started, "FAST-ONE", { credit_omr: 15, description: "Fast" });
  await issueVoucher(started, "LAST-ONE", { credit_omr: 20, description: "Last" });
});

const open = () => visitAdmin({ role: "sovereign-admin" });

async function read(code: string) {
  const token = await signToken("fatma", "sovereign-admin");
  return (await billing().ask(`/billing/vouchers/read/${code}`, { token })).json;
}

/** Holds back the answers to these requests until `release`, which resolves when all are sent. */
async function holdBack(page: Page, path: RegExp) {
  const held: (() => Promise<void>)[] = [];
  await page.route(path, (route) => {
    // A request that the page has ended can no longer be continued.
    held.push(() => route.continue().catch(() => undefined));
  });
  return {
    count: () => held.length,
    async release() {
      await Promise.all(held.map((send) => send()));
      await page.waitForTimeout(500);
    },
  };
}

describe("an answer to /admin that arrives late", () => {
  it("does not mix two vouchers", async () => {
    const { page, faults, close } = await open();
    const slow = await holdBack(page, /\/vouchers\/(read|audit)\/SLOW-ONE/);
    await rowOf(page, "SLOW-ONE").getByRole("link", { name: "SLOW-ONE" }).click();
    await eventually(() => expect(slow.count()).toBe(2));
    await page.goBack();
    await rowOf(page, "FAST-ONE").getByRole("link", { name: "FAST-ONE" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await slow.release();
    expect(await page.locator("#voucher-title").textContent()).toBe("FAST-ONE");
    expect(await page.locator("#voucher-terms").textContent()).toContain("Fast");
    expect(await page.locator("#history-rows tr").count()).toBe(1);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText("FAST-ONE is paused.").waitFor();
    expect([(await read("SLOW-ONE")).active, (await read("FAST-ONE")).active]).toEqual([true, false]);
    expect(faults).toEqual([]);
    await close();
  });

  it("does not change the voucher in the dialog that revokes", async () => {
    const { page, faults, close } = await open();
    const slow = await holdBack(page, /\/vouchers\/read\/SLOW-ONE/);
    const revoke = (code: string) => rowOf(page, code).getByRole("button", { name: "Revoke" }).click();
    await revoke("SLOW-ONE");
    await eventually(() => expect(slow.count()).toBe(1));
    await revoke("LAST-ONE");
    const dialog = page.locator("#revoke-dialog");
    await dialog.getByText("LAST-ONE").waitFor();
    await slow.release();
    expect(await dialog.locator("#revoke-code").textContent()).toBe("LAST-ONE");
    expect(await dialog.locator("#revoke-terms").textContent()).toContain("Last");
    await dialog.locator("#revoke-confirm").click();
    await page.getByText("LAST-ONE is revoked.").waitFor();
    expect([(await read("SLOW-ONE")).standing, (await read("LAST-ONE")).standing]).toEqual([
      "live",
      "revoked",
    ]);
    expect(faults).toEqual([]);
    await close();
  });

  it("does not change the voucher in the dialog that edits", async () => {
    const { page, faults, close } = await open();
    await rowOf(page, "SLOW-ONE").getByRole("link", { name: "SLOW-ONE" }).click();
    const edit = page.getByRole("button", { name: "Edit" });
    await edit.waitFor();
    const slow = await holdBack(page, /\/vouchers\/read\/SLOW-ONE/);
    await edit.click();
    await eventually(() => expect(slow.count()).toBe(1));
    await page.goBack();
    await rowOf(page, "FAST-ONE").getByRole("link", { name: "FAST-ONE" }).click();
    await expectText(page, "#voucher-terms", /Fast/);
    await edit.click();
    const dialog = page.locator("#edit-dialog");
    await dialog.getByText("FAST-ONE").waitFor();
    await dialog.locator("#edit-credit").fill("16");
    await slow.release();
    expect(await dialog.locator("#edit-code").textContent()).toBe("FAST-ONE");
    expect(await dialog.locator("#edit-credit").inputValue()).toBe("16");
    await dialog.locator("#edit-save").click();
    await page.getByText("FAST-ONE is changed.").waitFor();
    expect([(await read("SLOW-ONE")).credit_omr, (await read("FAST-ONE")).credit_omr]).toEqual([10, 16]);
    expect(faults).toEqual([]);
    await close();
  });

  it("does not show the redemptions of a period that is no longer chosen", async () => {
    const { page, faults, close } = await open();
    const slow = await holdBack(page, /redemptions\?days=7$/);
    await page.getByRole("button", { name: "7 days" }).click();
    await eventually(() => expect(slow.count()).toBe(1));
    await page.getByRole("button", { name: "90 days" }).click();
    await eventually(async () => expect(await page.locator("#redemption-rows tr").count()).toBe(90));
    await slow.release();
    expect(await page.locator("#redemption-rows tr").count()).toBe(90);
    expect(faults).toEqual([]);
    await close();
  });
});

describe("a voucher without the tag of its state, which a proxy removed", () => {
  const UNTAGGED = /without the tag of its state/;

  it("is shown, but not revoked, edited or paused", async () => {
    const { page, close } = await open();
    await page.route(/\/vouchers\/read\//, async (route) => {
      const response = await route.fetch();
      const { etag: _etag, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
    const before = await Promise.all(["SLOW-ONE", "FAST-ONE"].map(read));
    await rowOf(page, "SLOW-ONE").getByRole("link", { name: "SLOW-ONE" }).click();
    await expectText(page, "#voucher-terms", /Slow/);
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByText(UNTAGGED).waitFor();
    await page.getByRole("button", { name: "Edit" }).click();
    await page.locator("#edit-credit").fill("99");
    await page.locator("#edit-save").click();
    await page.locator("#edit-problem").getByText(UNTAGGED).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Revoke" }).click();
    await page.locator("#revoke-confirm").click();
    await page.locator("#revoke-problem").getByText(UNTAGGED).waitFor();
    expect(await Promise.all(["SLOW-ONE", "FAST-ONE"].map(read))).toEqual(before);
    await close();
  });
});

describe("the page of a code that no voucher has", () => {
  it("has no terms of the voucher that was shown before", async () => {
    const { page, close } = await open();
    await rowOf(page, "SLOW-ONE").getByRole("link", { name: "SLOW-ONE" }).click();
    await page.getByRole("button", { name: "Edit" }).waitFor();
    await page.evaluate('location.hash = "#voucher=NO-SUCH-CODE"');
    await page.getByText("No voucher has this code.").waitFor();
    expect(await page.locator("#voucher-title").textContent()).toBe("NO-SUCH-CODE");
    for (const part of ["#voucher-standing", "#voucher-terms", "#voucher-actions", "#history-rows"])
      expect(await page.locator(part).textContent(), part).toBe("");
    await close();
  });
});
