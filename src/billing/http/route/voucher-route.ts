import { VoucherError } from "../../errors.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { limitKey, type PreviewLimiter } from "../limit/preview-limiter.ts";
import { type Answer, json, type Operation, operation } from "../operation.ts";
import { IssueBody, PreviewAnswer, PreviewBody } from "../schema/voucher.ts";
import { grantOperation } from "./grant-route.ts";
import {
  issueOperation,
  listOperation,
  readOperation,
  revokeOperation,
  updateOperation,
} from "./voucher-operation.ts";

/** The voucher endpoints. `promo-route.ts` offers the same service under the earlier service's paths. */
export function voucherOperations(deps: {
  vouchers: VoucherService;
  limiter: PreviewLimiter;
  issueLimiter: IssueLimiter;
}): Operation[] {
  const { vouchers, limiter } = deps;
  return [
    issueOperation(deps, {
      id: "issueVoucher",
      path: "/billing/vouchers/issue",
      summary: "Issue a voucher, change its terms, or restore a revoked voucher",
      body: IssueBody,
    }),
    readOperation(deps, {
      id: "readVoucher",
      path: "/billing/vouchers/read/{code}",
      summary: "A voucher, also a revoked one",
      showsStanding: true,
    }),
    updateOperation(deps, {
      id: "updateVoucher",
      path: "/billing/vouchers/update/{code}",
      summary: "Change the named terms of a live voucher",
    }),
    listOperation(deps, {
      id: "listVouchers",
      path: "/billing/vouchers/list",
      summary: "Vouchers, newest first: all that are not revoked, or those of one standing",
      showsStanding: true,
    }),
    revokeOperation(deps, {
      id: "revokeVoucher",
      path: "/billing/vouchers/revoke/{code}",
      summary: "Revoke a live voucher",
    }),
    grantOperation(deps),
    operation({
      id: "previewVoucher",
      method: "post",
      path: "/billing/vouchers/redeem-preview",
      summary:
        "Check a voucher without redeeming it. A token is optional: its user then has a limit of its own",
      access: "anyone",
      identifiesCaller: true,
      body: PreviewBody,
      answers: { 200: PreviewAnswer, 410: PreviewAnswer },
      raises: ["voucher_not_found", "voucher_blank", "rate_limited"],
      async handle({ body, caller, client }): Promise<Answer> {
        const found = await limiter.admit(limitKey(caller, client), () => vouchers.preview(body.code));
        // A code that never existed and a revoked code get the same answer, made in this one place.
        if (found === undefined)
          throw new VoucherError("voucher_not_found", "no voucher has this code: check the code");
        return json(found.preview, found.standing === "live" ? 200 : 410);
      },
    }),
  ];
}
