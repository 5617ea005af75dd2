import type { Static } from "typebox";
import { RequestError } from "../../errors.ts";
import { actorOf } from "../../voucher/audit.ts";
import { type VoucherTerms, voucherKey } from "../../voucher/voucher.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import { ADMINS, json, type Operation, operation } from "../operation.ts";
import { PromoBody, UpdateBody, VoucherAnswer } from "../schema/voucher.ts";
import { issueOperation, listOperation, revokeOperation } from "./voucher-operation.ts";

/** The earlier service's paths for vouchers, which its admin UI still uses. */
export function promoOperations(deps: { vouchers: VoucherService; issueLimiter: IssueLimiter }): Operation[] {
  const { vouchers } = deps;
  return [
    listOperation(deps, {
      id: "listPromos",
      path: "/billing/admin/promos",
      summary: "The earlier path of /billing/vouchers/list",
    }),
    issueOperation(deps, {
      id: "upsertPromo",
      path: "/billing/admin/promos",
      summary: "The earlier path of /billing/vouchers/issue; the code is required",
      body: PromoBody,
    }),
    operation({
      id: "updatePromo",
      method: "put",
      path: "/billing/admin/promos/{code}",
      summary: "Change the named terms of a live voucher",
      access: ADMINS,
      blankParams: ["code"],
      body: UpdateBody,
      answers: { 200: VoucherAnswer },
      raises: [
        "voucher_not_found",
        "voucher_blank",
        "voucher_invalid",
        "grant_exceeded",
        "grants_unavailable",
      ],
      async handle({ params, body, caller }) {
        const code = params.code ?? "";
        if (body.code !== undefined && voucherKey(body.code) !== voucherKey(code)) {
          throw new RequestError(
            "request_invalid",
            "/code differs from the code in the path: a voucher's code cannot change",
            { fields: [{ field: "/code", rule: "must be the code in the path" }] },
          );
        }
        return json(await vouchers.update(code, namedTerms(body), actorOf(caller)));
      },
    }),
    revokeOperation(deps, {
      id: "deletePromo",
      path: "/billing/admin/promos/{code}",
      summary: "The earlier path of /billing/vouchers/revoke/{code}",
    }),
  ];
}

function namedTerms(body: Static<typeof UpdateBody>): Partial<VoucherTerms> {
  const { code, times_redeemed, created_at, deleted_at, ...terms } = body;
  return terms as Partial<VoucherTerms>;
}
