import type { HeldSection } from "./page-statement.ts";

const REVENUE = "integration/billing/ledger/monthly-revenue.test.ts";
const ACCOUNT = "integration/billing/ledger/account.test.ts";

/** Statements of the page about the revenue of a month, each with the test that runs it. */
export const REVENUE_STATEMENTS: readonly HeldSection[] = [
  {
    page: "docs/billing/payments.md",
    section: "The revenue of a month",
    held: {
      "`GET /billing/admin/revenue?month=2026-11` answers in JSON, or in CSV for a client whose `Accept` names `text/csv` and not `application/json`.":
        [REVENUE, "names the Sovereign, its currency and the month, as JSON and as CSV"],
      "A month is a calendar month in UTC.": [
        REVENUE,
        "counts the rows of the earlier service in the month of each row",
      ],
      "All amounts are whole thousandths of the currency, and they add up:": [
        REVENUE,
        "splits an order between card and credit when it is paid, not before",
      ],
      "`ordered + invoiced + kept_as_credit = charged_by_card + drawn_from_credit`": [
        REVENUE,
        "splits an order between card and credit when it is paid, not before",
      ],
      "Without `month`, the answer is about now: active subscriptions, customers, and the monthly price of the active subscriptions (`total_mrr`), whether a card or credit paid it.":
        [ACCOUNT, "shows orders and revenue with the Sovereign's name"],
      "| `ordered_baisa` | the prices of the orders that were placed in the month (an order by card is placed when it is paid), and what orders of the earlier service drew from credit |":
        [REVENUE, "counts the rows of the earlier service in the month of each row"],
      "| `invoiced_baisa` | paid invoices of subscriptions that Stripe runs for the earlier service's customers |":
        [
          REVENUE,
          "counts the invoices of subscriptions that Stripe runs, and the invoice of an order not again",
        ],
      "| `kept_as_credit_baisa` | card payments above an order's price, or for an order that had ended |": [
        REVENUE,
        "shows a payment for an order that had ended as kept as credit",
      ],
      "| `charged_by_card_baisa` | what cards paid |": [
        REVENUE,
        "splits an order between card and credit when it is paid, not before",
      ],
      "| `drawn_from_credit_baisa` | credit that paid for orders. It is not revenue |": [
        REVENUE,
        "counts an order that credit covers as drawn from credit, and charges no card",
      ],
      "| `granted_by_voucher_baisa` | credit that redemptions granted, less grants that were taken back in the month |":
        [REVENUE, "counts nothing of an order that Stripe refuses"],
      "| `refunded_baisa` | refunds to cards in the month. `charged_by_card_baisa` does not subtract it |": [
        REVENUE,
        "counts the refunds of a charge once, in any order and any number of events",
      ],
      "No amount contains a dispute, won or lost: Stripe's events about it name neither the order nor the customer.":
        [REVENUE, "counts no dispute, and the same charge's refund once"],
      "Stripe's dashboard lists the disputes of an account.": [
        REVENUE,
        "counts no dispute, and the same charge's refund once",
      ],
    },
  },
];
