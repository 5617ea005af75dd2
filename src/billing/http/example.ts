/** Examples of bodies and answers by operation id. A test checks them against the schemas. */
export const EXAMPLES: Readonly<Record<string, { body?: unknown; answer?: unknown }>> = {
  issueVoucher: {
    body: { code: "SUMMER-2026", credit_omr: 25, description: "Summer campaign", max_redemptions: 100 },
    answer: {
      code: "SUMMER-2026",
      credit_omr: 25,
      description: "Summer campaign",
      active: true,
      max_redemptions: 100,
      times_redeemed: 0,
      created_at: "2026-06-01T08:00:00.000Z",
    },
  },
  updatePromo: { body: { active: false } },
  revokeVoucher: { answer: { ok: true } },
  previewVoucher: {
    body: { code: "summer-2026" },
    answer: {
      code: "SUMMER-2026",
      credit_omr: 25,
      description: "Summer campaign",
      active: true,
      accepting_redemptions: true,
    },
  },
  checkout: {
    body: {
      plan_id: "small",
      apps: ["wordpress"],
      addons: [],
      tenant_id: "my-shop",
      promo_code: "SUMMER-2026",
    },
  },
  cancelOrder: {
    answer: {
      id: "0a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
      tenant_id: "my-shop",
      plan_id: "small",
      apps: ["wordpress"],
      addons: [],
      amount_omr: 9,
      amount_baisa: 9_000,
      credit_spent_baisa: 0,
      card_baisa: 9_000,
      status: "canceled",
      promo_code: "SUMMER-2026",
      session_url: null,
      session_expires_at: "2026-06-02T11:15:00.000Z",
      created_at: "2026-06-02T10:15:00.000Z",
    },
  },
  readBalance: {
    answer: {
      credit_omr: 16,
      credit_baisa: 16_000,
      entries: [
        {
          id: "5f0c2a3e-6a51-4b1c-8f0e-9d1f5a1b2c3d",
          amount_omr: -9,
          amount_baisa: -9_000,
          reason: "order",
          order_id: "0a4b8c1d-2e3f-4a5b-8c6d-7e8f9a0b1c2d",
          created_at: "2026-06-02T10:15:00.000Z",
        },
      ],
    },
  },
  changeSettings: { body: { stripe_public_key: "pk_live_51Example" } },
  checkLiveness: { answer: { status: "ok" } },
};

export const PROBLEM_EXAMPLE = {
  type: "../../billing/errors#voucher_not_found",
  title: "Voucher not found",
  status: 404,
  detail: "no voucher has this code: check the code",
  code: "voucher_not_found",
  error: "no voucher has this code: check the code",
};
