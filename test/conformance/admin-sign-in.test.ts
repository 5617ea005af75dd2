import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { startBilling } from "../support/builder/billing.ts";
import { axeViolations } from "../support/server/browser.ts";
import { eventually } from "../support/wait.ts";
import { useAdmin } from "./admin-visit.ts";
import { startSignInIssuer } from "./sign-in-issuer.ts";

const { visitAdmin } = useAdmin(startBilling, async () => {});

/** Visits /admin of a service whose users sign in at an issuer. The service accepts tokens for this audience. */
async function visitWithIssuer(options: { language?: string; audience?: string } = {}) {
  const issuer = await startSignInIssuer();
  const one = await startBilling({
    env: {
      OIDC_ISSUER: issuer.issuer,
      OIDC_AUDIENCE: options.audience ?? issuer.audience,
      OIDC_CLIENT_ID: issuer.clientId,
    },
  });
  issuer.serve(one.origin);
  const { language = "en" } = options;
  const visited = await visitAdmin({ origin: one.origin, language, allowed: [issuer.issuer] });
  return {
    ...visited,
    origin: one.origin,
    async close() {
      await visited.close();
      await one.close();
      await issuer.close();
    },
  };
}

/** Signs in with the page of the issuer. The name is the role. */
async function signInAtIssuer(page: Page, role: string): Promise<void> {
  await page.locator("#issuer-sign-in").click();
  await page.locator('input[name="login"]').fill(role);
  await page.locator('input[name="password"]').fill("any");
  await page.locator('button[type="submit"]').click();
  await page.locator('button[type="submit"]').click();
}

const storedToken = (page: Page) => page.evaluate('sessionStorage.getItem("catalyst-admin-token")');

describe("/admin with an issuer", () => {
  it("signs in at the issuer with a code that only this tab can exchange for a token", async () => {
    const { page, faults, origin, close } = await visitWithIssuer({ language: "ar" });
    expect(await axeViolations(page)).toEqual([]);
    const addresses: string[] = [];
    page.on("request", (request) => addresses.push(request.url()));
    await signInAtIssuer(page, "sovereign-admin");
    await page.locator("#tiles li").first().waitFor();
    expect(page.url()).toBe(`${origin}/admin?lang=ar`);
    expect(await page.locator("#who").textContent()).toBe("sovereign-admin@example.om");
    const token = String(await storedToken(page));
    expect(addresses.filter((address) => address.includes(token) || /[?&]code=/.test(address))).toEqual([]);
    expect(faults.filter((fault) => fault.includes(origin))).toEqual([]);

    await page.waitForTimeout(2_500);
    const renewed = page.waitForRequest(
      (request) => request.postData()?.includes("grant_type=refresh_token") ?? false,
    );
    await page.locator("#period button").first().click();
    await renewed;
    await eventually(async () => expect(await page.locator("#redemption-rows tr").count()).toBe(7));
    expect(await storedToken(page)).not.toBe(token);

    // An answer without a request changes nothing. The page refuses an answer to another request.
    await page.goto(`${origin}/admin#state=forged&code=stolen`);
    await page.locator("#tiles li").first().waitFor();
    await page.evaluate(
      `sessionStorage.setItem("catalyst-admin-sign-in", '{"state":"asked","verifier":"v","search":"?lang=en"}')`,
    );
    await page.goto(`${origin}/admin?lang=en#state=forged&code=stolen`);
    await page.getByText("Sign-in failed: state").waitFor();
    expect(page.url()).toBe(`${origin}/admin?lang=en`);
    await close();
  });

  it("renews the session once for requests that it sends at the same time", async () => {
    const { page, close } = await visitWithIssuer();
    await signInAtIssuer(page, "superadmin");
    await page.locator("#tiles li").first().waitFor();
    const renewals: number[] = [];
    page.on("response", (response) => {
      if (response.request().postData()?.includes("grant_type=refresh_token"))
        renewals.push(response.status());
    });
    // The issuer revokes the grant when a refresh token is used twice, so the second renewal would fail.
    for (const [index, days] of [7, 90].entries()) {
      await page.waitForTimeout(2_500);
      await page.getByRole("button", { name: `${days} days` }).click();
      await eventually(async () => expect(await page.locator("#redemption-rows tr").count()).toBe(days));
      await eventually(() => expect(renewals).toEqual(Array(index + 1).fill(200)));
    }
    await close();
  });

  it("stays signed out when a renewal ends after the sign-out", async () => {
    const { page, close } = await visitWithIssuer();
    await signInAtIssuer(page, "sovereign-admin");
    await page.locator("#tiles li").first().waitFor();
    const { promise: sent, resolve: noteSent } = Promise.withResolvers<() => Promise<void>>();
    await page.route("**/token", (route) => noteSent(() => route.continue()));
    await page.waitForTimeout(2_500);
    await page.locator("#period button").first().click();
    const release = await sent;
    await page.getByRole("button", { name: "Sign out" }).click();
    const renewed = page.waitForResponse("**/token");
    await release();
    await (await renewed).finished();
    await page.waitForTimeout(200);
    expect(await storedToken(page)).toBeNull();
    await close();
  });

  it.each([
    ["en", "This token is not valid here. Check that it is complete and for this Sovereign."],
    ["ar", "رمز الوصول هذا غير صالح هنا. تأكد من أنه كامل ومخصص لهذه الخدمة."],
  ])("says that the issuer's token is not for this service (%s)", async (language, words) => {
    const { page, close } = await visitWithIssuer({ language, audience: "another-service" });
    await signInAtIssuer(page, "sovereign-admin");
    await page.locator("#sign-in-problem").waitFor();
    expect(await page.locator("#sign-in-problem").textContent()).toBe(words);
    expect(await storedToken(page)).toBeNull();
    await close();
  });
});
