export interface LedgerDifference {
  kind:
    | "counter-differs-from-redemptions"
    | "redemption-differs-from-ledger"
    | "grant-without-redemption"
    | "order-without-redemption"
    | "spend-differs-from-order"
    | "credit-not-released"
    | "payment-differs-from-ledger"
    | "grant-differs-from-order"
    | "order-without-subscription"
    | "subscription-without-order"
    | "order-without-event"
    | "event-without-order"
    | "balance-differs-from-ledger"
    | "ledger-without-customer"
    | "ledger-without-order"
    | "amounts-differ"
    | "audit-row-changed"
    | "audit-row-missing"
    | "audit-end-differs"
    | "audit-head-lost"
    | "guard-changed"
    | "voucher-differs-from-audit"
    | "issuer-differs-from-audit"
    | "redemption-differs-from-audit"
    | "voucher-changed-without-audit"
    | "smoke-voucher-live";
  /** True when the earlier service caused the difference. */
  adopted: boolean;
  /** The values that differ, and the ids to find the rows. */
  row: Record<string, unknown>;
}

/** A query for rows that differ. The books agree when all queries return no rows. */
export interface LedgerCheck {
  kind: LedgerDifference["kind"];
  sql: string;
}
