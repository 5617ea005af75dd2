import { API_VERSION } from "../../api/kind.ts";
import { ORGANIZATION, type Organization } from "../../api/organization.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";

/** What a placed order says of who placed it, as billing's event has it. */
export interface PlacedOrder {
  id: string;
  tenant_id: string;
  user_id: string;
  /** The voucher that was redeemed with it. */
  promo_code: string | null;
}

/**
 * The Organization that an order brings about: one for each tenant of a Sovereign, under a name that follows from both.
 * Delivered twice, or by two orders of one tenant, it is still one.
 */
export function desiredOrganization(sovereign: string, order: PlacedOrder): Organization {
  return {
    apiVersion: API_VERSION,
    kind: ORGANIZATION.kind,
    metadata: { name: organizationName(sovereign, order.tenant_id) },
    spec: {
      displayName: order.tenant_id.slice(0, 128),
      owner: order.user_id.slice(0, 256),
      sovereign,
      order: order.id,
      ...(order.promo_code === null ? {} : { voucher: order.promo_code.slice(0, 256) }),
    },
  };
}

/** Readable where the tenant's id allows, and always unique: the digest tells apart what the letters cannot. */
export function organizationName(sovereign: string, tenantId: string): string {
  const readable = tenantId
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");
  const digest = sha256Digest(canonicalJson([sovereign, tenantId]))
    .slice("sha256:".length)
    .slice(0, 10);
  return readable === "" ? digest : `${readable}-${digest}`;
}
