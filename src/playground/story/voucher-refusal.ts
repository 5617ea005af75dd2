import type { StoryContext, StorySovereign } from "./context.ts";
import { expectEqual, expectThat } from "./expectation.ts";
import { signIn } from "./person.ts";
import { callVoucherApi } from "./voucher-api.ts";
import {
  errorOf,
  newCode,
  newTenant,
  PREVIEW_MEMBERS,
  SOVEREIGN_ADMIN,
  type VoucherClient,
} from "./voucher-client.ts";

/** The requests that billing must refuse: a used-up code, a revoked code, and a token of another Sovereign. */
export async function runVoucherRefusals(
  context: StoryContext,
  sovereign: StorySovereign,
  client: VoucherClient,
  creditOmr: number,
): Promise<void> {
  const { reporter } = context;

  await reporter.step("A code at its limit is refused at checkout and in the preview", async (observe) => {
    const code = newCode("FIRST");
    await client.issue({
      code,
      credit_omr: creditOmr,
      description: "First customer only",
      max_redemptions: 1,
    });
    const first = await client.checkout(await client.newCustomerToken("badr"), code, newTenant("badr"));
    expectThat(first.status < 300, "the first checkout succeeds", first.text);
    const second = await client.checkout(await client.newCustomerToken("huda"), code, newTenant("huda"));
    expectEqual("status of the second checkout", second.status, 410);
    const preview = await client.preview(code);
    expectEqual("status of the preview", preview.status, 410);
    expectEqual("members of the preview", Object.keys(preview.json as object).sort(), PREVIEW_MEMBERS);
    observe(`POST /billing/checkout → 410  ${errorOf(second)}`);
    observe(`POST /billing/vouchers/redeem-preview → 410  ${preview.text}`);
  });

  await reporter.step("A revoked code gets the same response as an unknown code", async (observe) => {
    const code = newCode("GONE");
    await client.issue({ code, credit_omr: creditOmr, description: "Soon gone", max_redemptions: 5 });
    const revoked = await client.revoke(code);
    expectEqual("response to the revocation", [revoked.status, revoked.json], [200, { ok: true }]);
    const [gone, unknown] = [await client.preview(code), await client.preview(newCode("NEVER"))];
    expectEqual("status of the preview", gone.status, 404);
    expectEqual("body of the preview", gone.text, unknown.text);
    observe(`DELETE /billing/vouchers/revoke/${code} → 200  ${revoked.text}`);
    observe("POST /billing/vouchers/redeem-preview → 404, byte for byte as for an unknown code");
  });

  await reporter.step("A token of another Sovereign is refused", async (observe) => {
    const other = context.sovereigns.find(({ name }) => name !== sovereign.name);
    expectThat(other !== undefined, "the story has a second Sovereign");
    const token = await signIn(SOVEREIGN_ADMIN, other.jwtSecret);
    const response = await callVoucherApi(sovereign.url, "/billing/vouchers/list", { token });
    expectEqual("status", response.status, 401);
    observe(`GET /billing/vouchers/list with ${other.name}'s token → 401  ${errorOf(response)}`);
  });
}
