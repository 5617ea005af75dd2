import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import type { Database } from "../db/database.ts";
import type { InvoiceObject } from "./event-object.ts";
import type { PaymentProcessor } from "./processor.ts";
import type { PaymentSettingsService } from "./settings.ts";
import { SUBSCRIPTION_ORIGIN_SQL } from "./subscription-naming.ts";
import type { SubscriptionOrigin } from "./subscription-origin.ts";

type NameInvoice = (invoice: Pick<InvoiceObject, "id" | "stripeSubscriptionId">) => Promise<void>;

/**
 * Writes the origin of charges into the metadata of an invoice of a subscription that the earlier service opened, and of the
 * invoice's payment. Never throws: the event of the invoice is recorded by then. Each further event of the invoice, also one
 * that is sent again, adds what is still missing.
 */
export function createInvoiceNaming(deps: {
  database: Database;
  settings: PaymentSettingsService;
  processor: PaymentProcessor;
  sovereignFqdn: string;
  logger: Logger;
}): NameInvoice {
  const { database, settings, processor, sovereignFqdn, logger } = deps;

  async function name({ id, stripeSubscriptionId }: Parameters<NameInvoice>[0]) {
    const { secretKey } = await settings.keys();
    if (secretKey === "" || stripeSubscriptionId === null) return undefined;
    const [origin] = await database.query<Omit<SubscriptionOrigin, "sovereign">>({
      name: "invoice-origin",
      text: `SELECT ${SUBSCRIPTION_ORIGIN_SQL} FROM subscriptions s WHERE s.stripe_subscription_id = $1`,
      values: [stripeSubscriptionId],
    });
    if (origin === undefined) return undefined;
    return processor.nameInvoice(secretKey, id, { sovereign: sovereignFqdn, ...origin });
  }

  return async (invoice) => {
    const reason = await name(invoice).catch(errorMessage);
    if (reason === undefined || reason === "named") return;
    logger.warn(
      { stripeInvoiceId: invoice.id, reason },
      "an invoice and its payment stay without metadata, or without a part of it: send its event again to try again",
    );
  };
}
