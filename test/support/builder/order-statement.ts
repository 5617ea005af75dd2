import type { HeldSection } from "./page-statement.ts";

const PAYMENT = "integration/billing/payment/payment.test.ts";
const PROCESS = "integration/billing/payment/process.test.ts";
const UNPAID = "integration/billing/checkout/unpaid-order.test.ts";
const REPLACED = "integration/billing/checkout/replaced-order.test.ts";
const CANCEL = "integration/billing/checkout/unpaid-order-cancel.test.ts";
const OWN = "integration/billing/checkout/own-order.test.ts";
const PENDING = "integration/billing/payment/pending-order.test.ts";
const SWEEPER = "integration/billing/payment/sweeper.test.ts";
const REFUSAL = "unit/billing/payment/refusal.test.ts";
const REPAIR = "integration/billing/payment/repair.test.ts";
const SETTINGS = "integration/billing/payment/settings.test.ts";
const SHARED = "integration/billing/payment/shared-grant.test.ts";
const SEQUENCE = "integration/billing/payment/grant-sequence.test.ts";
const HOSTILE = "integration/billing/payment/hostile.test.ts";

/** Statements of the pages about orders that a card pays, each with the test that runs it. */
export const ORDER_STATEMENTS: readonly HeldSection[] = [
  {
    page: "docs/billing/payments.md",
    section: "What becomes of an order",
    held: {
      "| Stripe refuses (502 `payment_refused`) or does not answer (503 `payment_unavailable`) | The order is `failed`. Voucher, credit and counter are as before: new entries reverse the old ones. A request with the same idempotency key tries again. |":
        [PAYMENT, "consumes nothing: %j"],
      "| The process ends before it stored the session | The same key gets the same session. Otherwise the sweeper sets the order to `failed` after two minutes. |":
        [PROCESS, "undoes the order when the customer does not repeat the request"],
      "| `checkout.session.completed` or `…async_payment_succeeded`, paid | The order is `paid`. The subscription and the event `order.placed` are created. |":
        [PAYMENT, "places an order once when its payment is announced several times at once"],
      "| `checkout.session.expired`, `…async_payment_failed` | The order is `expired`. The credit is the customer's again, and the voucher stays redeemed. |":
        [PAYMENT, "gives the credit back on %s, and keeps the voucher redeemed"],
      "| The customer is back from the payment page, and reads `GET /billing/orders`, the balance or a subscription | The service asks Stripe about that customer's latest open sessions (at most three, each at most every two seconds), and settles their orders. |":
        [
          OWN,
          "sends at most one request to Stripe in two seconds, and lists the orders while Stripe refuses",
        ],
      "| The customer cancels the order, or another order takes its place | The session is expired at Stripe, and the order is `canceled`. Voucher, credit and counter are as before. If the payment was faster, the order is `paid`, and the request gets 409 `order_paid`. |":
        [CANCEL, "releases its voucher and its credit once, and gives the same answer again"],
      "| No event arrives | An hour after the order, the sweeper asks Stripe and settles the order. While the payment is undecided, it asks again at growing intervals of at most one hour. |":
        [PENDING, "is looked at again at growing intervals while its payment is undecided: after %s"],
      "| Stripe does not know the session | The log says so each time that the sweeper asks. The keys with which the session was made may come back, so the sweeper waits. One week after the session's end it sets the order to `expired`. |":
        [SWEEPER, "abandons an order after a week when the processor has no such session"],
      "| Money arrives for an order that was given up, or for a tenant that belongs to another customer by then, or too little money | The order is `credited`: the money becomes the customer's credit, and the log says so. |":
        [PENDING, "logs a payment that becomes credit when %s"],
      "| Money in a currency other than `CURRENCY`, or an amount that cannot be money | Nothing changes. The order stays `pending` with its credit reserved, the log has a line at level error, and a person decides ([runbook](../runbook.md#card-orders-stay-pending)). |":
        [
          PENDING,
          "gives its credit back by the query of the runbook, after a payment that cannot be accepted",
        ],
      "A failed or canceled order does not undo its redemption if the customer has spent a part of the voucher's credit on another order meanwhile, and has no other credit for it.":
        [SHARED, "stays the customer's when the first order %s"],
      "The voucher then stays redeemed, and the rest of its credit is the customer's.": [
        SHARED,
        "stays the customer's when the first order is undone after a crash",
      ],
      "A balance therefore never goes below zero, except back to the part of a debt from the earlier service that is still unpaid.":
        [
          SEQUENCE,
          "never lowers a balance below zero and the unpaid part of an earlier debt, and keeps the books in agreement",
        ],
    },
  },
  {
    page: "docs/billing/payments.md",
    section: "A customer's own unpaid order",
    held: {
      "An unpaid order never blocks its customer.": [
        UNPAID,
        "is replaced by another order, which has its voucher and its credit",
      ],
      "The same order for the same tenant (plan, apps, add-ons, voucher and price) returns the open session.":
        [UNPAID, "returns the open session to the same order, also when its voucher has ended meanwhile"],
      "The service asks Stripe first, and sends no customer to a page that takes no payment.": [
        UNPAID,
        "returns no ended page to the same order when its session %s",
      ],
      "If the order is paid or its payment is on the way, the answer is 409 `order_paid` or `order_processing`.":
        [UNPAID, "returns no ended page to the same order when its session %s"],
      "If the session has ended at Stripe, the order is canceled, and a new one gets a new session at once.":
        [UNPAID, "opens a new session at once for the same order when its session %s"],
      "After Stripe's event about that end, the same order gets 409 `already_redeemed`, because the voucher stays redeemed.":
        [UNPAID, "is ordered again without its voucher after Stripe's event about the end of its session"],
      "Without `promo_code` it uses the voucher's credit.": [
        UNPAID,
        "is ordered again without its voucher after Stripe's event about the end of its session",
      ],
      "The other order is judged first.": [REPLACED, "keeps its page, its voucher and its credit when %s"],
      "If it would be refused (its plan, app, add-on or voucher, its tenant, the catalog, or credit and card that cannot pay for it), the first order keeps its page, its voucher and its credit.":
        [REPLACED, "keeps its page, its voucher and its credit when %s"],
      "A session that is expired at Stripe cannot be opened again, so the first order ends before the other one is placed.":
        [REPLACED, "is canceled with its credit released when Stripe refuses the new session"],
      "If another customer is faster to the voucher's last place meanwhile, or Stripe refuses the new session, the customer has neither order.":
        [
          REPLACED,
          "is canceled with its credit released when another customer is faster to the voucher's last place",
        ],
      "Credit is as before.": [
        REPLACED,
        "is canceled with its credit released when Stripe refuses the new session",
      ],
      "Another order for the same tenant takes its place, and so does an order for another tenant with the same voucher.":
        [
          UNPAID,
          "gives its voucher to an order for another tenant, and stays when the other order has no voucher",
        ],
      "The service first writes that the order is given up, then expires its session at Stripe, then releases what it held.":
        [CANCEL, "is canceled by the sweeper after a crash before the request to Stripe"],
      "If the process dies in between, Stripe's event or the sweeper finishes the work in the same way.": [
        CANCEL,
        "is canceled when Stripe's event arrives before the process has stored the end",
      ],
      "If a part of the voucher's credit is spent on another order, an order with the same voucher gets 409 `already_redeemed`, and ends nothing.":
        [SHARED, "does not end the first order for another one with the same voucher"],
      "The same order without `promo_code` takes the place and uses the rest of the credit.": [
        SHARED,
        "does not end the first order for another one with the same voucher",
      ],
      "If Stripe does not answer, the new order gets 503.": [
        UNPAID,
        "is kept while Stripe does not answer, and is then released by the sweeper",
      ],
      "Otherwise two sessions might both be paid.": [
        UNPAID,
        "stays one order when two tabs order at the same time, and one subscription when both pay",
      ],
      "If the customer has paid by a method whose money arrives later, the answer is 409 `order_processing`.":
        [UNPAID, "is not replaced when its session %s"],
      "`POST /billing/orders/{orderId}/cancel` cancels an unpaid order.": [
        CANCEL,
        "releases its voucher and its credit once, and gives the same answer again",
      ],
      "A repeated `Idempotency-Key` whose order was canceled, or whose session has expired, gets 409 `order_expired`.":
        [UNPAID, "answers 409 when the session of its order %s"],
    },
  },
  {
    page: "docs/billing/payments.md",
    section: "Refusals by Stripe",
    held: {
      "`src/billing/payment/refusal.ts` sorts every refusal once, by its code, its parameter and its type.": [
        REFUSAL,
        "classifies a refusal by its code, its parameter and its type: %s",
      ],
      "| The stored Stripe customer no longer exists | The service removes the customer's id, and asks again under a new key. The portal answers 404 `payment_account_missing`. |":
        [REPAIR, "removes the id of a customer who is gone, and opens the session under a new key"],
      "| Stripe does not take the email address | The service asks again without it. An address that is not valid is not sent. |":
        [REPAIR, "leaves out an address that Stripe refuses, and a text that is no address"],
      "| The remainder is below Stripe's minimum | Less credit is spent, so that the card pays the minimum. If the whole order costs less, the answer is 422 `card_amount_too_small`, which names the missing credit. Stripe publishes no minimum for some currencies: for OMR the service uses 300 baisa, which exceeds every published minimum. For those that are not in its table (`src/billing/payment/currency.ts`), it begins with half a unit. |":
        [REPAIR, "names the missing credit of an order below the minimum, and consumes nothing"],
      "| Stripe's minimum is higher than the table's, because the account is paid out in another currency | The order is undone and placed again, and the card pays four times as much. This repeats until Stripe accepts, or until the card pays the whole order. If Stripe refuses that too, the answer is 422 `card_amount_too_small`. |":
        [REPAIR, "spends less credit until Stripe accepts, when its minimum is higher than the table's"],
      "| Our keys are refused, a limit is reached, or Stripe does not answer | 503 `payment_unavailable` |": [
        PAYMENT,
        "consumes nothing: %j",
      ],
      "| A gateway in front of Stripe answers in its place | 503 `payment_unavailable`. Whatever its status is, nothing counts as done. |":
        [PAYMENT, "consumes nothing: %j"],
      "| Anything else | 502 `payment_refused` with Stripe's code. The order is undone. |": [
        PAYMENT,
        "consumes nothing: %j",
      ],
    },
  },
  {
    page: "docs/runbook.md",
    section: "Card orders stay pending",
    held: {
      "An order is `pending` until its payment is decided.": [
        PAYMENT,
        "keeps an order waiting for a payment method that pays later",
      ],
      "Stripe's event settles it at once.": [
        PAYMENT,
        "places an order once when its payment is announced several times at once",
      ],
      "Without an event, the service asks Stripe:": [
        OWN,
        "settles the orders when the customer comes back and the page was %s",
      ],
      "when the customer is back and reads the own orders, the balance or a subscription, orders again for the same tenant, or cancels the order;":
        [OWN, "settles the orders when the customer comes back and the page was %s"],
      "in the sweeper of each replica, an hour after the order and then at growing intervals.": [
        PENDING,
        "is due for the sweeper an hour after the order, when its session ends",
      ],
      "Nothing is lost meanwhile.": [SWEEPER, "decides about an order without its event when its session %s"],
      "An order whose process died before it had a session is undone after two minutes.": [
        SWEEPER,
        "undoes an order whose process died before it had a session",
      ],
      "If `CURRENCY` was changed while sessions were open, set it back.": [
        PENDING,
        "is paid when CURRENCY is set back and Stripe's event is sent again",
      ],
      "Then send the event again from Stripe's dashboard, or wait for the sweeper.": [
        PENDING,
        "is paid when CURRENCY is set back and Stripe's event is sent again",
      ],
      "Otherwise refund the payment at Stripe, and release the reserved credit: `SELECT billing_expire_order('<order id>', '<session id>')`.":
        [
          PENDING,
          "gives its credit back by the query of the runbook, after a payment that cannot be accepted",
        ],
      "| `catalyst_billing_payment_events_total` does not grow while sessions are paid | Stripe's events do not arrive | check the endpoint `/billing/webhook` and its secret in Stripe's dashboard |":
        [SWEEPER, "decides about an order without its event when its session %s"],
      "| `payment_unavailable` in `catalyst_billing_refusals_total` | there are no keys, the keys cannot be opened, or Stripe is unavailable | if `SETTINGS_KEY` or `JWT_SECRET` has changed, enter the keys again |":
        [SETTINGS, "treats settings encrypted with another key as not set"],
      '| `catalyst_billing_payment_events_total{outcome="unusable"}` above 0, or a log line about a session that was paid by something that cannot be accepted | money arrived in a currency other than `CURRENCY`, or an event has impossible values. The order is left unchanged, and a person decides | see below |':
        [HOSTILE, "moves no money for a payment in another currency, also in the sweeper, and logs it"],
    },
  },
];
