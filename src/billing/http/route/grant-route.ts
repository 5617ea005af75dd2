import Type from "typebox";
import { actorOf } from "../../voucher/audit.ts";
import type { VoucherService } from "../../voucher/voucher-service.ts";
import { ADMINS, json, type Operation, operation } from "../operation.ts";
import { nullable } from "../schema/field.ts";

const limit = (description: string) =>
  nullable(Type.Number({ description: `${description} Null: no limit.` }));

const GrantsAnswer = Type.Object(
  {
    max_active: limit("The largest number of vouchers that are live or scheduled."),
    max_credit_per_voucher_omr: limit("The largest credit of one voucher."),
    max_outstanding_credit_omr: limit("The credit that all vouchers together may still grant."),
    active: Type.Integer({ description: "Vouchers that are live or scheduled." }),
    outstanding_omr: nullable(
      Type.Number({ description: "The credit that they can still grant. Null: one of them has no cap." }),
    ),
  },
  { additionalProperties: false },
);

/** The grants, so that a form can show the remaining amounts before it is sent. */
export function grantOperation({ vouchers }: { vouchers: VoucherService }): Operation {
  return operation({
    id: "readGrants",
    method: "get",
    path: "/billing/vouchers/grants",
    summary: "What the Franchise's grants allow, and how much of it is in use",
    access: ADMINS,
    answers: { 200: GrantsAnswer },
    raises: ["grants_unavailable"],
    async handle({ caller }) {
      const { limits, totals } = await vouchers.readRoom(actorOf(caller));
      return json({
        max_active: limits.maxActive ?? null,
        max_credit_per_voucher_omr: limits.maxCreditPerVoucherOmr ?? null,
        max_outstanding_credit_omr: limits.maxOutstandingCreditOmr ?? null,
        active: totals.active,
        outstanding_omr: Number.isFinite(totals.outstandingOmr) ? totals.outstandingOmr : null,
      });
    },
  });
}
