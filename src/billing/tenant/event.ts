import { createHash } from "node:crypto";

/** The event of the tenant service that this service handles. */
export interface TenantDeleted {
  kind: "tenant.deleted";
  /** Equal on every delivery of the same event. */
  eventId: string;
  tenantId: string;
}

export type TenantEvent =
  | TenantDeleted
  /** Other events on the same topic. */
  | { kind: "ignored"; type: string }
  | { kind: "malformed"; reason: string };

const MAX_ID_LENGTH = 256;

/**
 * Parses a message of the tenant topic: the platform's envelope `{id, type, tenant_id, data}`. The tenant is `data.id`, or
 * `tenant_id` without it. An event without an id gets the digest of its bytes as id, so that a repeated message is still
 * the same event.
 */
export function parseTenantEvent(value: Uint8Array | null | undefined): TenantEvent {
  // A tombstone of log compaction is not an event.
  if (value === null || value === undefined || value.length === 0) return { kind: "ignored", type: "" };
  const envelope = parseObject(value);
  if (envelope === undefined) return { kind: "malformed", reason: "the message is not a JSON object" };
  const { id, type, tenant_id, data } = envelope;
  if (typeof type !== "string") return { kind: "malformed", reason: "the event has no type" };
  if (type !== "tenant.deleted") return { kind: "ignored", type };
  const inner = isObject(data) ? data.id : undefined;
  const tenantId = inner === undefined || inner === "" ? tenant_id : inner;
  if (!isId(tenantId)) return { kind: "malformed", reason: "the event names no tenant" };
  if (id === undefined || id === null || id === "") {
    return { kind: type, eventId: `sha256:${createHash("sha256").update(value).digest("hex")}`, tenantId };
  }
  if (!isId(id))
    return { kind: "malformed", reason: "the event's id must be a text of at most 256 characters" };
  return { kind: type, eventId: id, tenantId };
}

function parseObject(value: Uint8Array): Record<string, unknown> | undefined {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(value));
    return isObject(json) ? json : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the database can store and index the id: without NUL, and short. */
function isId(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= MAX_ID_LENGTH && !value.includes("\0");
}
