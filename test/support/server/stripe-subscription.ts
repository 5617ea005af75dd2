/** A request to the tests' Stripe, with its form fields by their names. */
export type StripeFields = Record<string, string>;

/** The subscriptions and customers of the tests' Stripe, by their ids. */
export interface StripeSubscriptions {
  subscriptions: Map<string, { customer?: string; metadata?: StripeFields; [member: string]: unknown }>;
  /** The metadata of customers. */
  customers: Map<string, StripeFields>;
  /** Customers that were deleted from the account. */
  goneCustomers: Set<string>;
}

/** Metadata after a change: it is merged, and a blank value removes its key. */
export function mergedMetadata(metadata: StripeFields = {}, fields: StripeFields): StripeFields {
  const merged = new Map(Object.entries(metadata));
  for (const [name, value] of Object.entries(fields)) {
    const key = /^metadata\[(\w+)\]$/.exec(name)?.[1] ?? name;
    if (value === "") merged.delete(key);
    else merged.set(key, value);
  }
  return Object.fromEntries(merged);
}

/** Reads, changes or cancels a subscription. A cancel succeeds for every id. */
export function answerSubscription(
  { subscriptions, customers, goneCustomers }: StripeSubscriptions,
  method: string,
  id: string,
  fields: StripeFields,
): { status: number; body: unknown } {
  const known = subscriptions.get(id);
  if (known === undefined && method !== "DELETE") {
    const error = {
      type: "invalid_request_error",
      code: "resource_missing",
      message: "no such subscription",
    };
    return { status: 404, body: { error } };
  }
  const { customer = "", metadata = {} } = known ?? {};
  const merged = method === "POST" ? mergedMetadata(metadata, fields) : metadata;
  if (method === "POST") subscriptions.set(id, { ...known, metadata: merged });
  return {
    status: 200,
    body: {
      ...{ id, object: "subscription", status: "active", ...known, metadata: merged },
      ...(method === "DELETE" ? { status: "canceled" } : {}),
      customer: goneCustomers.has(customer)
        ? { id: customer, deleted: true }
        : { id: customer, metadata: customers.get(customer) ?? {} },
    },
  };
}
