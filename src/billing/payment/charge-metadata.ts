/** The origin of a charge. */
export interface ChargeOrigin {
  /** The Sovereign's FQDN. OpenOva's roll-up finds charges by it. */
  sovereign: string;
  orderId: string;
  /** Null for an order of the earlier service that named none. */
  tenantId: string | null;
  planId: string | null;
}

/** The metadata of every session, payment intent, invoice and customer. Stripe allows 500 characters a value; ours have at most 253. */
export const chargeMetadata = ({
  sovereign,
  orderId,
  tenantId,
  planId,
}: ChargeOrigin): Record<string, string> => ({
  sovereign,
  order_id: orderId,
  tenant_id: tenantId ?? "",
  plan_id: planId ?? "",
});
