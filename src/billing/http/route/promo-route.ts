import type { VoucherService } from "../../voucher/voucher-service.ts";
import type { IssueLimiter } from "../limit/issue-limiter.ts";
import type { Operation } from "../operation.ts";
import { PromoBody } from "../schema/voucher.ts";
import {
  issueOperation,
  listOperation,
  readOperation,
  revokeOperation,
  updateOperation,
} from "./voucher-operation.ts";

/** The earlier service's paths for vouchers, which its admin UI still uses. */
export function promoOperations(deps: { vouchers: VoucherService; issueLimiter: IssueLimiter }): Operation[] {
  return [
    listOperation(deps, {
      id: "listPromos",
      path: "/billing/admin/promos",
      summary: "The earlier path of /billing/vouchers/list, without the standing",
      showsStanding: false,
    }),
    issueOperation(deps, {
      id: "upsertPromo",
      path: "/billing/admin/promos",
      summary: "The earlier path of /billing/vouchers/issue; the code is required",
      body: PromoBody,
    }),
    readOperation(deps, {
      id: "readPromo",
      path: "/billing/admin/promos/{code}",
      summary: "The same as /billing/vouchers/read/{code}, without the standing",
      showsStanding: false,
    }),
    updateOperation(deps, {
      id: "updatePromo",
      path: "/billing/admin/promos/{code}",
      summary: "The earlier path of /billing/vouchers/update/{code}",
    }),
    revokeOperation(deps, {
      id: "deletePromo",
      path: "/billing/admin/promos/{code}",
      summary: "The earlier path of /billing/vouchers/revoke/{code}",
    }),
  ];
}
