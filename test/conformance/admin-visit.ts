import jsqr from "jsqr";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import { signToken, type TestBilling } from "../support/builder/billing.ts";
import { launchBrowser, type Visit, visit } from "../support/server/browser.ts";
import { eventually } from "../support/wait.ts";

type AdminVisit = Parameters<typeof visit>[2] & {
  language?: string;
  role?: string;
  /** The view after #. */
  hash?: string;
  /** Of another service than that of `useAdmin`. */
  origin?: string;
};

/** A browser and a service for the tests of one file. `fill` issues the vouchers that the tests need. */
export function useAdmin(start: () => Promise<TestBilling>, fill: (started: TestBilling) => Promise<void>) {
  let browser: Browser | undefined;
  let billing: TestBilling | undefined;
  beforeAll(async () => {
    browser = await launchBrowser();
    billing = await start();
    await fill(billing);
  });
  afterAll(async () => {
    await browser?.close();
    await billing?.close();
  });
  const service = (): TestBilling => {
    if (billing === undefined) throw new Error("no service: the hook `beforeAll` failed");
    return billing;
  };

  /** Visits /admin. With a role, it signs in too. */
  async function visitAdmin(options: AdminVisit = {}): Promise<Visit> {
    const { language = "en", role, hash = "", origin = service().origin, ...rest } = options;
    if (browser === undefined) throw new Error("no browser: the hook `beforeAll` failed");
    const visited = await visit(browser, `${origin}/admin?lang=${language}${hash}`, rest);
    await visited.page.locator("#signed-out").waitFor();
    if (role !== undefined) await signIn(visited.page, role);
    return visited;
  }
  return { billing: service, visitAdmin };
}

/** Enters a token of this role into the form of the page. */
export async function signIn(page: Page, role: string): Promise<void> {
  await page.locator("#token").fill(await signToken("fatma", role));
  await page.locator("#token-form button").click();
  await page.locator("#signed-in").waitFor();
  await page.locator("#tiles li").first().waitFor({ state: "attached" });
}

export const rowOf = (page: Page, code: string) => page.locator("#voucher-rows tr").filter({ hasText: code });

/** The text that a camera reads from the QR code on the screen. */
export async function scanQr(page: Page): Promise<string | undefined> {
  const png = (await page.locator("#qr svg").screenshot()).toString("base64");
  const blank = await page.context().newPage();
  const { pixels, width, height } = await blank.evaluate<{
    pixels: number[];
    width: number;
    height: number;
  }>(`
    (async () => {
      const image = new Image();
      image.src = "data:image/png;base64,${png}";
      await image.decode();
      const drawing = new OffscreenCanvas(image.width, image.height).getContext("2d");
      drawing.drawImage(image, 0, 0);
      const { data, width, height } = drawing.getImageData(0, 0, image.width, image.height);
      return { pixels: Array.from(data), width, height };
    })()`);
  await blank.close();
  return jsqr.default(new Uint8ClampedArray(pixels), width, height)?.data;
}

/** Waits until the element has this text, or a text that matches. */
export const expectText = (page: Page, selector: string, text: string | RegExp) =>
  eventually(async () =>
    expect(await page.locator(selector).textContent()).toEqual(
      typeof text === "string" ? text : expect.stringMatching(text),
    ),
  );
