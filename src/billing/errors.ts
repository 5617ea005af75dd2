export type VoucherErrorCode =
  | "voucher_not_found"
  | "voucher_not_started"
  | "voucher_ended"
  | "voucher_exists"
  | "voucher_changed"
  | "voucher_invalid"
  | "voucher_blank"
  | "grant_exceeded"
  | "grants_unavailable";

export type CheckoutErrorCode =
  | "already_redeemed"
  | "plan_unknown"
  | "app_unknown"
  | "addon_unknown"
  | "total_too_large"
  | "balance_too_large"
  | "card_amount_too_small"
  | "order_not_found"
  | "order_expired"
  | "order_paid"
  | "order_processing"
  | "orders_unpaid"
  | "catalog_unavailable";

export type TenantErrorCode = "tenant_not_yours" | "tenant_not_found" | "tenant_service_unavailable";

export type PaymentErrorCode =
  | "payment_unavailable"
  | "payment_refused"
  | "payment_account_missing"
  | "settings_fixed"
  | "settings_key_missing";

export type RequestErrorCode =
  | "request_invalid"
  | "body_not_json"
  | "body_too_large"
  | "body_encoding_unsupported"
  | "body_type_unsupported"
  | "idempotency_in_flight"
  | "idempotency_mismatch"
  | "idempotency_key_invalid"
  | "signature_invalid"
  | "rate_limited"
  | "not_found"
  | "method_not_allowed";

export type TokenErrorCode = "token_missing" | "token_invalid" | "role_missing" | "issuer_unavailable";

export type BillingErrorCode =
  | VoucherErrorCode
  | CheckoutErrorCode
  | TenantErrorCode
  | PaymentErrorCode
  | RequestErrorCode
  | TokenErrorCode
  | "database_unavailable";

/** An expected refusal with a code. The client sees the message: it names what is wrong, the rule and the remedy. */
export abstract class CodedError<Code extends BillingErrorCode = BillingErrorCode> extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export class VoucherError extends CodedError<VoucherErrorCode> {
  override readonly name: string = "VoucherError";
  /** The term that breaks a rule, as a JSON pointer into the body. Clients translate a refusal by its code and its field. */
  readonly field: string | undefined;

  constructor(code: VoucherErrorCode, message: string, options: ErrorOptions & { field?: string } = {}) {
    super(code, message, options);
    this.field = options.field;
  }
}

/** The voucher is not as the request requires. The answer shows it as it is; undefined when no voucher has the code. */
export class VoucherConflict extends VoucherError {
  override readonly name = "VoucherConflict";
  readonly current: object | undefined;

  constructor(code: "voucher_exists" | "voucher_changed", message: string, current: object | undefined) {
    super(code, message);
    this.current = current;
  }
}

export class CheckoutError extends CodedError<CheckoutErrorCode> {
  override readonly name = "CheckoutError";
}

export class TenantError extends CodedError<TenantErrorCode> {
  override readonly name = "TenantError";
}

export class PaymentError extends CodedError<PaymentErrorCode> {
  override readonly name = "PaymentError";
}

export class TokenError extends CodedError<TokenErrorCode> {
  override readonly name = "TokenError";
}

/** A request that breaks a rule of the API. `fields` names the places, `retryAfterMs` the time to wait. */
export class RequestError extends CodedError<RequestErrorCode> {
  override readonly name = "RequestError";
  readonly fields: readonly FieldError[];
  readonly retryAfterMs: number | undefined;

  constructor(
    code: RequestErrorCode,
    message: string,
    more: { fields?: FieldError[]; retryAfterMs?: number; cause?: unknown } = {},
  ) {
    super(code, message, { cause: more.cause });
    this.fields = more.fields ?? [];
    this.retryAfterMs = more.retryAfterMs;
  }
}

export interface FieldError {
  /** JSON pointer into the body (`/credit_omr`), or the name of a parameter or header. */
  field: string;
  rule: string;
}

/** The database is down, starting, full or overloaded. Whether the call had an effect is unknown. */
export class DatabaseUnavailableError extends CodedError<"database_unavailable"> {
  override readonly name = "DatabaseUnavailableError";

  constructor(cause: unknown) {
    super("database_unavailable", "the database is not available: try again in a moment", { cause });
  }
}
