import { boundedFetch, jsonOf } from "../../platform/bounded-fetch.ts";
import { TenantError } from "../errors.ts";

/** The tenant's subdomain, empty when the tenant service has none. Throws when the service does not answer. */
export type TenantSubdomain = (tenantId: string) => Promise<string>;

/** The tenant service (`TENANT_URL`), which returns a tenant's members and its subdomain. */
export interface TenantDirectory {
  /** Throws `tenant_service_unavailable` when the service does not answer. */
  isMember(tenantId: string, userId: string): Promise<boolean>;
  subdomain: TenantSubdomain;
}

const TIMEOUT_MS = 3_000;
const MAX_ANSWER_BYTES = 1024 * 1024;

/**
 * Reads `GET /tenants/{id}/members` (an array of user ids, or of objects with `user_id`; 404 means no members) and
 * `GET /tenant/internal/tenants/{id}/subdomain` (an object with `subdomain`; 404 means none). The earlier service uses the
 * same paths.
 */
export function createTenantDirectory(deps: { baseUrl: string; fetch: typeof fetch }): TenantDirectory {
  const baseUrl = deps.baseUrl.replace(/\/$/, "");

  /** The answer's JSON. Undefined for 404. */
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
        if (!Array.isArray(members)) throw new Error(`GET ${path} answered JSON that is not an array`);
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
    "the tenant service does not answer: try again in a moment",
    { cause },
  );
}
