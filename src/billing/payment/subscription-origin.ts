import type Stripe from "stripe";
import { type ChargeOrigin, chargeMetadata } from "./charge-metadata.ts";
import { isForbidden } from "./refusal.ts";

/** The origin of the charges of a subscription that the earlier service opened. Its order may not be known. */
export interface SubscriptionOrigin extends Omit<ChargeOrigin, "orderId"> {
  orderId: string | null;
}

/**
 * Adds the origin to the metadata of a subscription and of its customer. Values that are there stay, and so does all else.
 * `foreign`: the subscription names another Sovereign. `customer_forbidden`: the subscription has the origin, but the key may not
 * read or change the customer.
 */
export async function addOrigin(
  stripe: Stripe,
  stripeSubscriptionId: string,
  origin: SubscriptionOrigin,
): Promise<"named" | "foreign" | "customer_forbidden"> {
  const wanted = wantedMetadata(origin);
  const { customer, metadata } = await stripe.subscriptions
    .retrieve(stripeSubscriptionId, { expand: ["customer"] })
    .catch((error: unknown) => {
      if (!isForbidden(error)) throw error;
      return stripe.subscriptions.retrieve(stripeSubscriptionId);
    });
  const added = addedMetadata(metadata, wanted);
  if (added === "foreign") return "foreign";
  if (added !== "none") await stripe.subscriptions.update(stripeSubscriptionId, { metadata: added });
  if (typeof customer === "string") return "customer_forbidden";
  if (customer.deleted === true) return "named";
  const addedToCustomer = addedMetadata(customer.metadata, wanted);
  if (typeof addedToCustomer === "string") return "named";
  return stripe.customers.update(customer.id, { metadata: addedToCustomer }).then(
    () => "named" as const,
    (error: unknown) => {
      if (!isForbidden(error)) throw error;
      return "customer_forbidden" as const;
    },
  );
}

export const wantedMetadata = (origin: SubscriptionOrigin): Record<string, string> =>
  chargeMetadata({ ...origin, orderId: origin.orderId ?? "" });

/**
 * The values that are missing. `foreign`: the metadata names another Sovereign. Stripe removes a key that gets a blank value, so
 * blank values are left out.
 */
export function addedMetadata(
  known: Stripe.Metadata,
  wanted: Record<string, string>,
): Record<string, string> | "none" | "foreign" {
  if (known.sovereign !== undefined && known.sovereign !== wanted.sovereign) return "foreign";
  const added = Object.entries(wanted).filter(([key, value]) => value !== "" && known[key] === undefined);
  return added.length === 0 ? "none" : Object.fromEntries(added);
}
