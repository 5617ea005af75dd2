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
    | "amounts-differ";
  /** True when the earlier service left it behind; nothing of ours did it. */
  adopted: boolean;
  /** The rows that disagree, with what each says. */
  row: Record<string, unknown>;
}

/** A query that lists the rows that disagree; an empty answer to all of them is agreement. */
export interface LedgerCheck {
  kind: LedgerDifference["kind"];
  sql: string;
}
