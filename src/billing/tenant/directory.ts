import { boundedFetch, jsonOf } from "../../platform/bounded-fetch.ts";
import { TenantError } from "../errors.ts";

/** The tenant's part of its host name; empty when the tenant service knows none. Throws when it cannot be asked. */
export type TenantSubdomain = (tenantId: string) => Promise<string>;

/** The tenant service (`TENANT_URL`): who besides the first customer may act for a tenant. */
export interface TenantDirectory {
  /** Throws `tenant_service_unavailable` when it cannot be asked. */
  isMember(tenantId: string, userId: string): Promise<boolean>;
  subdomain: TenantSubdomain;
}

const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Reads `GET /tenants/{id}/members` (an array of user ids, or of objects with `user_id`; 404 means no members) and
 * `GET /tenant/internal/tenants/{id}/subdomain` (an object with `subdomain`; 404 means none), the road that the earlier
 * service took.
 */
export function createTenantDirectory(deps: { baseUrl: string; fetch: typeof fetch }): TenantDirectory {
  const baseUrl = deps.baseUrl.replace(/\/$/, "");

  /** The answer's JSON; undefined for 404. */
  async function get(path: string): Promise<unknown> {
    const answer = await boundedFetch(`${baseUrl}${path}`, {
      fetch: deps.fetch,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_ANSWER_BYTES,
    });
    return answer.status === 404 ? undefined : jsonOf(answer);
  }

  return {
    async isMember(tenantId, userId) {
      const path = `/tenants/${encodeURIComponent(tenantId)}/members`;
      try {
        const members = await get(path);
        if (members === undefined) return false;
        if (!Array.isArray(members)) throw new Error(`GET ${path} answered no array`);
        return members.some(
          (member) => member === userId || (member as { user_id?: unknown } | null)?.user_id === userId,
        );
      } catch (cause) {
        throw unavailable(cause);
      }
    },
    async subdomain(tenantId) {
      try {
        const answer = await get(`/tenant/internal/tenants/${encodeURIComponent(tenantId)}/subdomain`);
        const { subdomain } = (answer ?? {}) as { subdomain?: unknown };
        return typeof subdomain === "string" ? subdomain : "";
      } catch (cause) {
        throw unavailable(cause);
      }
    },
  };
}

function unavailable(cause: unknown): TenantError {
  return new TenantError(
    "tenant_service_unavailable",
    "the tenant service cannot be asked: try again in a moment",
    { cause },
  );
}
