import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  issueVoucher,
  type Question,
  reconcile,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";
import { type StripeServer, startStripeServer } from "../../../support/server/stripe-server.ts";
import { hostileText, hostileValue, jsonOf, rawBodyOf, type Schema } from "./hostile-value.ts";

const RUNS = Number(process.env.HOSTILE_RUNS ?? 800);

interface Described {
  parameters?: { name: string; in: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
}

let stripe: StripeServer;
let billing: TestBilling;
let operations: { method: string; path: string; described: Described }[];
let tokens: (string | undefined)[];

beforeAll(async () => {
  stripe = await startStripeServer();
  billing = await startBilling({
    env: stripe.env,
  });
  const { paths } = (await billing.ask("/openapi.json")).json as {
    paths: Record<string, Record<string, Described>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => ({ method: method.toUpperCase(), path, described })),
  );
  const root = await signToken("root", "superadmin");
  tokens = [
    root,
    root,
    root,
    await signToken("admin", "sovereign-admin"),
    await signToken("shop"),
    undefined,
    "e30.e30.e30",
  ];
  await issueVoucher(billing, "FUZZ-1", { max_redemptions: 3 });
});

afterAll(async () => {
  await billing.close();
  await stripe.close();
});

/** Encodes every byte. A segment of dots is a step in the path even when it is encoded, so a blank comes before it. */
const inUrl = (text: string) =>
  [...Buffer.from(/^\.{0,2}$/.test(text) ? ` ${text}` : text)]
    .map((byte) => `%${byte.toString(16).padStart(2, "0")}`)
    .join("");

const CONTENT_TYPES = [
  "application/json",
  "application/json",
  "application/json",
  "application/merge-patch+json",
  "text/plain",
  "text/xml",
  "application/json; charset=utf-16",
  ";",
];

/** A request for any operation that the API describes, made from its own schemas. */
function questionOf({
  method,
  path,
  described,
}: (typeof operations)[number]): fc.Arbitrary<[string, Question]> {
  const { parameters = [], requestBody } = described;
  const named = (where: string) => parameters.filter((parameter) => parameter.in === where);
  const texts = (where: string) =>
    fc.record(
      Object.fromEntries(
        named(where).map(({ name, schema }) => [
          name,
          fc.oneof(jsonOf(schema ?? { type: "string" }).map(String), hostileText),
        ]),
      ),
      where === "path" ? {} : { requiredKeys: [] },
    ) as fc.Arbitrary<Record<string, string>>;
  const schema = Object.values(requestBody?.content ?? {})[0]?.schema;
  return fc
    .record({
      inPath: texts("path"),
      query: texts("query"),
      token: fc.constantFrom(...tokens),
      key: fc.option(fc.constantFrom("key-1", "key-2", "", "x".repeat(300), "\u00e9"), { freq: 3 }),
      accept: fc.constantFrom("*/*", "application/json", "text/csv", ";q=x", "a".repeat(2_000)),
      type: fc.constantFrom(...CONTENT_TYPES),
      raw: requestBody === undefined ? fc.constant(undefined) : fc.option(rawBodyOf(schema), { nil: "" }),
    })
    .map(({ inPath, query, token, key, accept, type, raw }) => {
      const target = path.replace(/\{(\w+)\}/g, (_all, name: string) => inUrl(inPath[name] ?? ""));
      const search = Object.entries(query)
        .map(([name, value]) => `${name}=${inUrl(value)}`)
        .join("&");
      const question: Question = {
        method,
        token,
        headers: { accept, "content-type": type, ...(key === null ? {} : { "idempotency-key": key }) },
        ...(raw === undefined ? {} : { raw }),
      };
      return [search === "" ? target : `${target}?${search}`, question];
    });
}

const OBJECTS: Schema = {
  type: "object",
  properties: {
    id: { type: "string" },
    client_reference_id: { type: "string" },
    payment_status: { enum: ["paid", "unpaid", "no_payment_required"] },
    amount_total: { type: "integer", minimum: 0 },
    total: { type: "integer", minimum: 0 },
    currency: { enum: ["omr", "usd", "jpy"] },
    status: { enum: ["paid", "open", "void", "active", "canceled"] },
    customer: { anyOf: [{ type: "string" }, { type: "object", properties: { id: { type: "string" } } }] },
    period_start: { type: "integer", minimum: 0 },
    period_end: { type: "integer", minimum: 0 },
    metadata: { type: "object", properties: { order_id: { type: "string" } } },
    items: { type: "object", properties: { data: { type: "array" } } },
  },
};
const TYPES = [
  "checkout.session.completed",
  "checkout.session.expired",
  "checkout.session.async_payment_failed",
  "invoice.paid",
  "invoice.voided",
  "customer.subscription.updated",
  "something.new",
];

describe("requests generated from the API description", () => {
  it("gets a described answer and never 500 for any request, and keeps the ledger correct", async () => {
    const question = fc.oneof(...operations.map(questionOf));
    const met = new Map<number, number>();
    await fc.assert(
      fc.asyncProperty(question, async ([path, asked]) => {
        // The client compares status and shape with the description.
        const { status, text } = await billing.ask(path, asked);
        met.set(status, (met.get(status) ?? 0) + 1);
        expect([500, 502, 503].includes(status) ? text : "").toBe("");
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
    // Some requests are refused, and some are accepted.
    for (const status of [200, 400, 401, 403, 404]) expect(met.get(status) ?? 0).toBeGreaterThan(0);
    expect(await reconcile(billing)).toEqual([]);
  });

  it("moves no money for any signed event, and returns no 500", async () => {
    const before = await billing.database.pool.query("SELECT count(*)::int AS n FROM subscriptions");
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...TYPES),
        jsonOf(OBJECTS),
        fc.oneof(fc.constant(1_800_000_000), hostileValue),
        async (type, object, created) => {
          const event = stripe.event(type, object, { created: created as number });
          const { status } = await billing.ask("/billing/webhook", event);
          expect([200, 400, 413]).toContain(status);
        },
      ),
      { numRuns: Math.ceil(RUNS / 3), endOnFailure: true },
    );
    const after = await billing.database.pool.query("SELECT count(*)::int AS n FROM subscriptions");
    expect(after.rows).toEqual(before.rows);
    expect(await reconcile(billing)).toEqual([]);
  });
});
