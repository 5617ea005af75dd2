import type { HeldSection } from "./page-statement.ts";

const ORIGIN = "integration/billing/payment/charge-origin.test.ts";
const ADOPTED = "integration/billing/payment/subscription-origin.test.ts";
const RENEWED = "integration/billing/payment/invoice-origin.test.ts";
const REVENUE = "integration/billing/ledger/monthly-revenue.test.ts";
const PERIOD = "integration/billing/ledger/subscription-period.test.ts";
const ACCOUNT = "integration/billing/ledger/account.test.ts";
const CALL = "integration/billing/checkout/call.test.ts";
const EARLIER = "integration/billing/payment/earlier-session.test.ts";
const POD = "unit/controllers/sovereign/desired-pod.test.ts";
const SETTINGS = "integration/billing/payment/settings.test.ts";
const REPAIR = "integration/billing/payment/repair.test.ts";
const FIRST = "integration/billing/tenant/first-payment.test.ts";
const PORTAL = "integration/billing/tenant/portal.test.ts";
const MEMBER = "integration/billing/tenant/member.test.ts";
const ADMIN = "conformance/admin-page.test.ts";
const GRANT = "integration/billing/voucher/grant.test.ts";
const BULK = "integration/billing/voucher/bulk-issue.test.ts";
const REDEEM = "integration/billing/http/redeem-page.test.ts";
const BROWSER = "conformance/page.test.ts";
const CHECKOUT = "integration/billing/checkout/checkout.test.ts";
const PAYMENT = "integration/billing/payment/payment.test.ts";
const RELAY = "integration/operator/outbox-relay.test.ts";
const EXAMPLE = "unit/api/example.test.ts";

/** Statements of the pages about charges, keys, tenants and the franchise, each with the test that runs it. */
export const MONEY_STATEMENTS: readonly HeldSection[] = [
  {
    page: "docs/billing/payments.md",
    section: "Sessions of the earlier service",
    held: {
      "They are subscriptions at Stripe.": [
        EARLIER,
        "keeps the subscription's id, so that later events find it",
      ],
      "When one completes after the adoption, the service stores the id of its `subscription`, so that later events find the row.":
        [EARLIER, "keeps the subscription's id, so that later events find it"],
      "The events about a subscription arrive in any order: the latest one counts, and an event that arrives before the session's is kept for 35 days.":
        [EARLIER, "has the state of its latest event, in whatever order the events arrive"],
      "A subscription that ended (`canceled`, `incomplete_expired`) is final: its event counts whatever its time is, and no other event counts after it.":
        [EARLIER, "has ended when an event says so, whatever the time of the event: %s"],
      "Stripe's times are whole seconds.": [
        EARLIER,
        "has the state that Stripe has, for any states of any times and any order of their events",
      ],
      "If two events of one second differ, the service reads the subscription at Stripe.": [
        EARLIER,
        "has the state that Stripe answers when two events of one second differ, and that state arrives %s",
      ],
      "If Stripe does not answer, the event gets 503, and Stripe sends it again.": [
        EARLIER,
        "waits for Stripe's answer when two events of one second differ, and counts the last one without it",
      ],
      "Without a secret key that may read subscriptions, or if Stripe has no such subscription, the event that arrives last counts.":
        [ADOPTED, "lets the event that arrives last count when two events of one second differ"],
      "If the tenant belongs to another customer by then, the service cancels the subscription at Stripe, and the payment becomes credit.":
        [
          EARLIER,
          "is canceled at Stripe when its tenant belongs to another customer by now, and its payment becomes credit",
        ],
    },
  },
  {
    page: "docs/billing/payments.md",
    section: "Where a charge came from",
    held: {
      "Every session, payment intent, invoice and customer at Stripe has the metadata `sovereign` (the FQDN), `order_id`, `tenant_id` and `plan_id`.":
        [ORIGIN, "names its origin on session, payment intent, invoice and customer"],
      "A charge has the metadata of its payment intent.": [
        ORIGIN,
        "names its origin on session, payment intent, invoice and customer",
      ],
      "OpenOva's roll-up finds charges by `sovereign`.": [
        ORIGIN,
        "names its origin on session, payment intent, invoice and customer",
      ],
      "Stripe takes no metadata for a customer that a session creates, so the sweeper writes it after each payment: the customer then names the latest order.":
        [ORIGIN, "names a customer again for each payment, and for one that became credit"],
      "A customer that is gone, or that Stripe refuses to change, stays without, and the log says so.": [
        ORIGIN,
        "names the customer later when Stripe is unreachable, and skips one that is deleted or refused",
      ],
      "The subscriptions that the earlier service opened, and their customers, get the same metadata once.": [
        ADOPTED,
        "names its origin and that of its customer once, and nothing else of it is changed",
      ],
      "The sweeper reads at most fifty of them each time, and adds the values that are missing.": [
        ADOPTED,
        "is asked about in sweeps of at most fifty subscriptions",
      ],
      "It changes nothing else of them.": [
        ADOPTED,
        "names its origin and that of its customer once, and nothing else of it is changed",
      ],
      "Stripe shows the metadata in each later invoice, as details of its subscription, and copies it neither into the invoice's own metadata nor into its charge.":
        [
          RENEWED,
          "names its origin on itself, its payment intent and its charge with %s, and nothing else is changed",
        ],
      "A subscription that names another Sovereign, that Stripe does not have, or that Stripe refuses to change, stays without, and the log says so.":
        [ADOPTED, "stays without when it %s, which the log says once"],
      "If three are not in the account and none is, or the key may not read subscriptions, the service gives up with one log line.":
        [ADOPTED, "is given up with one log line when the keys %s, and named with other keys"],
      "It tries these again with another key, or after a restart.": [
        ADOPTED,
        "is named with the right keys after wrong ones did not find it",
      ],
      "So the service adds the missing values to each invoice of such a subscription, to its payment intents and to their charges, when an event of the invoice arrives.":
        [
          RENEWED,
          "names its origin on itself, its payment intent and its charge with %s, and nothing else is changed",
        ],
      "No other member of these objects changes.": [
        RENEWED,
        "names its origin on itself, its payment intent and its charge with %s, and nothing else is changed",
      ],
      "The service does so after it has recorded the event, with at most eleven requests (three payments) and for at most eight seconds.":
        [RENEWED, "causes at most eleven requests, however many payments it has"],
      "If Stripe refuses or does not answer, the event still gets 200, and the log says what stays without.":
        [RENEWED, "stays without when it %s, which the log says once, and its event is recorded"],
      "The same event, sent again from Stripe's dashboard, tries again.": [
        RENEWED,
        "is named when the same event is sent again after a failure",
      ],
      "An invoice that names another Sovereign, or whose subscription does, is left alone.": [
        RENEWED,
        "stays without when it %s, which the log says once, and its event is recorded",
      ],
      "A named invoice stays revenue of its own, although it names its subscription's order.": [
        RENEWED,
        "is the same revenue whether its events name the order or not",
      ],
    },
  },
  {
    page: "docs/billing/payments.md",
    section: "Subscriptions",
    held: {
      "A subscription that an order paid for is `active` for a month and `expired` afterwards.": [
        CALL,
        "creates a subscription of one month and one event for each sink",
      ],
      "Nothing renews it: a new order does.": [
        PERIOD,
        "leaves out an ended subscription while the tenant has another that still runs",
      ],
      "Stripe renews the subscriptions that the earlier service opened, and sends their status.": [
        EARLIER,
        "has the state of its latest event, in whatever order the events arrive",
      ],
      "Where Stripe sent a period, and no event arrives for three days after its end, the subscription is `expired` too.":
        [PERIOD, "returns the status of a subscription by its period when %s"],
    },
  },
  {
    page: "docs/billing/payments.md",
    section: "Keys",
    held: {
      "`payments.secretRef` of the Sovereign names the Secret with the keys `secret-key`, `webhook-secret` and, if wanted, `public-key`.":
        [POD, "refers to Stripe's keys; only the public one is optional"],
      "The operator passes them on as `STRIPE_SECRET_KEY`, `STRIPE_WEBHOOK_SECRET` and `STRIPE_PUBLIC_KEY`.":
        [POD, "refers to Stripe's keys; only the public one is optional"],
      "If they are set, no other keys count.": [
        SETTINGS,
        "refuses a change of payment settings that the deployment sets",
      ],
      "Otherwise `PUT /billing/admin/settings` sets the keys.": [
        ACCOUNT,
        "never returns payment keys, and keeps settings that a request leaves out or empty",
      ],
      "The service stores the secret ones sealed (AES-256-GCM under `SETTINGS_KEY`, else `JWT_SECRET`) and never shows them.":
        [SETTINGS, "encrypts payment settings in the database, and never returns them"],
      "A key in another key's place, such as `pk_…` as the secret key, gets 400.": [
        REPAIR,
        "refuses a key in another key's place: %s %s",
      ],
      "Keys that the earlier service stored in clear text are sealed when they are first read.": [
        SETTINGS,
        "uses plain settings of the earlier service, and encrypts them at the first read",
      ],
    },
  },
  {
    page: "docs/billing/api.md",
    section: "Tenants",
    held: {
      "A tenant belongs to the customer who first paid for it, with credit or by card.": [
        FIRST,
        "gives a tenant to the customer who pays first, and turns the later payment into credit",
      ],
      "An unpaid order claims nothing.": [
        FIRST,
        "gives a tenant no owner while its orders wait for a payment",
      ],
      "An order that costs nothing is paid as soon as it is placed, so it claims the tenant too: its Organization must have an owner.":
        [FIRST, "gives a tenant to the customer of a free order, for which nothing is left to pay"],
      "Where `TENANT_URL` is set, the members that `GET {TENANT_URL}/tenants/{id}/members` lists (user ids, or objects with `user_id`) may act for it too.":
        [MEMBER, "shows them to %s, the customer or a member that the tenant service names"],
      "The portal shows all that a customer pays for, so a member can open it only while the customer pays for no other tenant.":
        [PORTAL, "shows a member no other tenant of the customer"],
    },
  },
  {
    page: "docs/FRANCHISE-MODEL.md",
    section: "4. Redemption, in five steps",
    held: {
      "**Issuance.** The Franchisee issues a voucher on `/admin`, through the API, or many in one request.": [
        ADMIN,
        "issues, finds, shares and revokes a voucher",
      ],
      "The grants of its Franchise limit the number of active vouchers, the credit per voucher, and the outstanding credit of all vouchers together.":
        [GRANT, "enforces each grant by its name, and follows changes of the file"],
      "**Distribution.** The Franchisee distributes the code in any way: as a link to `/redeem?code=…`, as its QR code, or as a file of ten thousand codes.":
        [BULK, "issues 10,000 codes with an audit row each"],
      "**Sign-up.** The page shows the offer and consumes nothing.": [
        REDEEM,
        "consumes nothing, and refuses POST",
      ],
      "It leads to sign-up, or customers to sign-in, and passes the code on as `voucher` in the address and under `sme-pending-voucher` in the browser.":
        [BROWSER, "stores the code of an offer, and of no other state, where the marketplace looks for it"],
      "**Drawdown.** Checkout names the code.": [
        CHECKOUT,
        "writes redemption, counter, grant, order, spend, subscription and event in one transaction",
      ],
      "One transaction locks the voucher, records the redemption, counts it, grants the credit and spends it on the order.":
        [
          CHECKOUT,
          "writes redemption, counter, grant, order, spend, subscription and event in one transaction",
        ],
      "The card pays what credit does not cover.": [
        PAYMENT,
        "asks the card for the remainder, add-ons included, and reserves the credit",
      ],
      "The order's event creates the Organization, once.": [
        RELAY,
        "creates an Organization for an order before it answers the notice, and counts an existing one as delivered",
      ],
      "Later orders draw on the remaining credit.": [
        CHECKOUT,
        "spends a balance once when two orders arrive at the same time",
      ],
      "**Revenue split.** Every order row has the Sovereign's FQDN (`sovereign`).": [
        ACCOUNT,
        "shows orders and revenue with the Sovereign's name",
      ],
      "`GET /billing/admin/revenue?month=2026-11` says what a month moved: charged by card, drawn from credit, granted by voucher and refunded, in whole baisa that add up.":
        [REVENUE, "splits an order between card and credit when it is paid, not before"],
      "OpenOva and the Franchisee settle by these amounts.": [
        REVENUE,
        "splits an order between card and credit when it is paid, not before",
      ],
      "Credit that pays for an order is not revenue: no money was paid for it.": [
        REVENUE,
        "counts an order that credit covers as drawn from credit, and charges no card",
      ],
      "The split itself is agreed between the two and is kept in OpenOva's accounts.": [
        EXAMPLE,
        "a Franchise does not contain the revenue split",
      ],
      "The Franchise's schema refuses it.": [EXAMPLE, "a Franchise does not contain the revenue split"],
      "`/redeem` does not accept POST: a redemption apart from its order could be lost or done twice.": [
        REDEEM,
        "consumes nothing, and refuses POST",
      ],
    },
  },
];
