import { CheckoutError } from "./errors.ts";

/** The tenant service (`TENANT_URL`): who besides the first customer may act for a tenant. */
export interface TenantDirectory {
  /** Throws `tenant_service_unavailable` when it cannot be asked. */
  isMember(tenantId: string, userId: string): Promise<boolean>;
}

const TIMEOUT_MS = 3_000;

/** Reads `GET /tenants/{id}/members`: an array of user ids, or of objects with `user_id`. 404 means no members. */
export function createTenantDirectory(deps: { baseUrl: string; fetch: typeof fetch }): TenantDirectory {
  return {
    async isMember(tenantId, userId) {
      const url = `${deps.baseUrl.replace(/\/$/, "")}/tenants/${encodeURIComponent(tenantId)}/members`;
      try {
        const response = await deps.fetch(url, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
          redirect: "error",
        });
        if (response.status === 404) return false;
        if (!response.ok) throw new Error(`GET ${url} answered ${response.status}`);
        const members: unknown = await response.json();
        if (!Array.isArray(members)) throw new Error(`GET ${url} answered no array`);
        return members.some(
          (member) => member === userId || (member as { user_id?: unknown } | null)?.user_id === userId,
        );
      } catch (cause) {
        throw new CheckoutError(
          "tenant_service_unavailable",
          "the tenant service cannot be asked: try again in a moment",
          { cause },
        );
      }
    },
  };
}
