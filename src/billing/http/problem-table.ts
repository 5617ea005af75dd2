import type { BillingErrorCode } from "../errors.ts";

/** A code that a client can receive: an expected refusal, or `internal` for everything else. */
export type ProblemCode = BillingErrorCode | "internal";

interface ProblemKind {
  status: number;
  title: string;
  /** When it happens and what to do, in Markdown with code spans. */
  meaning: string;
}

/**
 * Every code with its status and its meaning. The HTTP answer, the operations' documented errors, the page /billing/errors
 * and docs/errors.md all follow from this table. A code that is missing here does not compile.
 */
export const PROBLEMS: Record<ProblemCode, ProblemKind> = {
  voucher_not_found: {
    status: 404,
    title: "Voucher not found",
    meaning:
      "No live voucher has this code: the code never existed, or the voucher was revoked. Check the code.",
  },
  voucher_not_started: {
    status: 410,
    title: "Voucher not started",
    meaning:
      "At checkout: the voucher cannot be redeemed before its `starts_at`. Order then, leave `promo_code` out, or use another voucher.",
  },
  voucher_ended: {
    status: 410,
    title: "Voucher ended",
    meaning:
      "At checkout: the voucher is paused, has reached its cap, or has expired. Leave `promo_code` out, or use another voucher.",
  },
  voucher_invalid: {
    status: 400,
    title: "Voucher invalid",
    meaning:
      "The terms break a rule about the code, the credit, the cap or the dates. `detail` names the rule.",
  },
  voucher_exists: {
    status: 409,
    title: "Voucher exists",
    meaning:
      "`If-None-Match: *` asked for a new voucher, and a live voucher has the code. `voucher` shows it. Choose another code, or change that voucher.",
  },
  voucher_changed: {
    status: 412,
    title: "Voucher changed",
    meaning:
      "The voucher does not have the tag in `If-Match`: another administrator changed it. `voucher` shows it as it is. Read it again, and repeat the change.",
  },
  voucher_blank: {
    status: 400,
    title: "Voucher code blank",
    meaning: "The code is empty or blank, and no adopted voucher has a blank code. Send the voucher's code.",
  },
  grant_exceeded: {
    status: 403,
    title: "Grant exceeded",
    meaning:
      "The Franchise's grant does not allow this. `detail` names the grant. Revoke a voucher, issue less, or ask for a larger grant.",
  },
  grants_unavailable: {
    status: 503,
    title: "Grants unavailable",
    meaning:
      "The file with the Franchise's grants cannot be read. `detail` names the rule that the file breaks. No voucher can be issued until the file is corrected; every other operation works.",
  },
  already_redeemed: {
    status: 409,
    title: "Voucher already redeemed",
    meaning:
      "This customer has already redeemed this voucher. Leave `promo_code` out: its credit is on the account.",
  },
  plan_unknown: {
    status: 422,
    title: "Plan unknown",
    meaning: "The catalog has no such plan. Choose a plan from the catalog.",
  },
  app_unknown: {
    status: 422,
    title: "App unknown",
    meaning: "The catalog has no such app. Choose an app from the catalog.",
  },
  addon_unknown: {
    status: 422,
    title: "Add-on unknown",
    meaning: "The catalog has no such add-on. Choose an add-on from the catalog.",
  },
  total_too_large: {
    status: 422,
    title: "Total too large",
    meaning: "The order's total exceeds 1,000,000,000,000 baisa. Order less.",
  },
  balance_too_large: {
    status: 422,
    title: "Balance too large",
    meaning:
      "The customer's balance would exceed the largest amount that can be stored exactly. Spend some credit first.",
  },
  card_amount_too_small: {
    status: 422,
    title: "Card amount too small",
    meaning:
      "Credit does not cover the order, and the order costs less than the payment processor accepts by card. `detail` names the missing credit. Redeem a voucher, or order more.",
  },
  order_not_found: {
    status: 404,
    title: "Order not found",
    meaning: "The order does not exist, or it is another customer's. The answer is the same for both.",
  },
  order_expired: {
    status: 409,
    title: "Order expired",
    meaning:
      "The order of this `Idempotency-Key` was canceled, or its payment page has expired. Order again, with a new key.",
  },
  order_paid: {
    status: 409,
    title: "Order paid",
    meaning:
      "The order was paid just before it could be canceled or replaced. `GET /billing/orders` shows it. Order again if you want another one.",
  },
  order_processing: {
    status: 409,
    title: "Payment in progress",
    meaning:
      "The customer has paid for the earlier order by a method whose money arrives later, so the order can be neither canceled nor replaced. Wait until it is settled.",
  },
  orders_unpaid: {
    status: 409,
    title: "Too many unpaid orders",
    meaning:
      "The customer has more unpaid orders that this one would replace than one request cancels. Cancel them (`GET /billing/orders`), or send the request again.",
  },
  tenant_not_yours: {
    status: 403,
    title: "Tenant belongs to another customer",
    meaning: "At checkout: the tenant belongs to another customer. Order for a tenant of your own.",
  },
  tenant_not_found: {
    status: 404,
    title: "Tenant not found",
    meaning: "The tenant does not exist, or it belongs to another customer. The answer is the same for both.",
  },
  catalog_unavailable: {
    status: 503,
    title: "Catalog unavailable",
    meaning: "Prices cannot be read now. Nothing was ordered. Try again.",
  },
  tenant_service_unavailable: {
    status: 503,
    title: "Tenant service unavailable",
    meaning: "The tenant service does not answer. Nothing was changed. Try again.",
  },
  payment_unavailable: {
    status: 503,
    title: "Payment unavailable",
    meaning:
      "Credit does not cover the order, and no payment processor is configured or it does not answer. Nothing was charged, and no voucher was used.",
  },
  payment_refused: {
    status: 502,
    title: "Payment refused",
    meaning:
      "The payment processor refused the request. `detail` names the processor's code. Nothing was charged, and no voucher was used.",
  },
  payment_account_missing: {
    status: 404,
    title: "No payment account",
    meaning: "Nothing was paid by card for this tenant yet, so the payment processor has no portal for it.",
  },
  settings_fixed: {
    status: 409,
    title: "Settings fixed by the deployment",
    meaning: "The payment keys come from the Sovereign's `payments.secretRef`. Change that Secret.",
  },
  settings_key_missing: {
    status: 503,
    title: "No encryption key",
    meaning:
      "Secrets are stored encrypted, and no encryption key is configured. Set `SETTINGS_KEY`, or use `payments.secretRef`.",
  },
  request_invalid: {
    status: 400,
    title: "Request invalid",
    meaning:
      "The request does not match the description in `/openapi.json`. `errors` names each field and the rule that it breaks.",
  },
  body_not_json: {
    status: 400,
    title: "Body is not JSON",
    meaning:
      "The body is not JSON in UTF-8, names a member twice, or nests more than 16 levels deep. `detail` says which.",
  },
  body_too_large: { status: 413, title: "Body too large", meaning: "The body exceeds 64 KiB. Send less." },
  body_encoding_unsupported: {
    status: 415,
    title: "Body encoding unsupported",
    meaning: "The body is compressed. Send it uncompressed.",
  },
  body_type_unsupported: {
    status: 415,
    title: "Body type unsupported",
    meaning: "`Content-Type` is not JSON in UTF-8. Send `application/json`.",
  },
  idempotency_in_flight: {
    status: 409,
    title: "Request in progress",
    meaning: "Another request with this `Idempotency-Key` is in progress. Wait, and send the request again.",
  },
  idempotency_mismatch: {
    status: 422,
    title: "Idempotency key used for another request",
    meaning: "This `Idempotency-Key` was used for a different request. Use a new key.",
  },
  idempotency_key_invalid: {
    status: 400,
    title: "Idempotency key invalid",
    meaning: "`Idempotency-Key` must have 1 to 255 visible ASCII characters.",
  },
  signature_invalid: {
    status: 400,
    title: "Signature invalid",
    meaning: "`Stripe-Signature` does not match the body, or is too old.",
  },
  rate_limited: {
    status: 429,
    title: "Too many requests",
    meaning:
      "Too many previews, failed previews, or issued vouchers in one minute. Wait for the seconds in `Retry-After`. Issue many vouchers with one bulk request.",
  },
  not_found: { status: 404, title: "Not found", meaning: "Nothing exists at this path." },
  method_not_allowed: {
    status: 405,
    title: "Method not allowed",
    meaning: "The path does not support this method. `Allow` lists the methods that it supports.",
  },
  token_missing: {
    status: 401,
    title: "Token missing",
    meaning: "The request has no bearer token. Send one in `Authorization`.",
  },
  token_invalid: {
    status: 401,
    title: "Token invalid",
    meaning:
      "The token is not valid here: its signature, issuer, audience or lifetime is wrong. Get a new token.",
  },
  role_missing: {
    status: 403,
    title: "Role missing",
    meaning:
      "The token is valid, but lacks the role that this operation requires. Ask an administrator of the Sovereign's issuer for the role, then get a new token.",
  },
  issuer_unavailable: {
    status: 503,
    title: "Sign-in service unavailable",
    meaning: "The OIDC issuer's keys cannot be read now, so the token cannot be checked. Try again.",
  },
  database_unavailable: {
    status: 503,
    title: "Database unavailable",
    meaning:
      "The database does not answer or is overloaded. Try again. With an `Idempotency-Key`, a repeated request has one effect.",
  },
  internal: {
    status: 500,
    title: "Internal error",
    meaning:
      "A fault in this service. The answer does not describe it; the log does, under the answer's `X-Request-Id`.",
  },
};
