import { API_VERSION } from "../../api/kind.ts";
import { ORGANIZATION, type Organization } from "../../api/organization.ts";
import { canonicalJson, sha256Digest } from "../../platform/canonical-json.ts";

/** The fields of billing's order event from which an Organization is made. */
export interface SourceOrder {
  id: string;
  tenant_id: string;
  user_id: string;
  /** The voucher that the order redeemed; null without one. */
  promo_code: string | null;
}

/**
 * The Organization that an order creates. Its name follows from the Sovereign and the tenant, so an event that is
 * delivered twice, or two orders of one tenant, give one Organization.
 */
export function desiredOrganization(sovereign: string, order: SourceOrder): Organization {
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

/** As readable as the tenant's id allows, and always unique: the digest differs when the readable parts are the same. */
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
