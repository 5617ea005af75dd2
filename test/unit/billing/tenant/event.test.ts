import { describe, expect, it } from "vitest";
import { parseTenantEvent } from "../../../../src/billing/tenant/event.ts";

const bytes = (value: unknown) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
const deleted = (members: object) => bytes({ id: "e1", type: "tenant.deleted", ...members });

describe("a message of the tenants' topic", () => {
  it.each([
    ["data.id before tenant_id", { tenant_id: "outer", data: { id: "inner" } }, "inner"],
    ["tenant_id without data", { tenant_id: "outer" }, "outer"],
    ["tenant_id where data.id is empty", { tenant_id: "outer", data: { id: "" } }, "outer"],
    ["tenant_id where data is no object", { tenant_id: "outer", data: [] }, "outer"],
  ])("reads the tenant of a message: %s", (_, members, tenantId) => {
    expect(parseTenantEvent(deleted(members))).toEqual({ kind: "tenant.deleted", eventId: "e1", tenantId });
  });

  it.each([undefined, null, ""])("identifies a message by its bytes when its id is %j", (id) => {
    const event = parseTenantEvent(deleted({ id, tenant_id: "t" }));
    expect(event).toEqual({
      kind: "tenant.deleted",
      tenantId: "t",
      eventId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(parseTenantEvent(deleted({ id, tenant_id: "t" }))).toEqual(event);
    expect(parseTenantEvent(deleted({ id, tenant_id: "t", timestamp: "later" }))).not.toEqual(event);
  });

  it.each([null, undefined, new Uint8Array()])("ignores a tombstone: %j", (value) => {
    expect(parseTenantEvent(value)).toEqual({ kind: "ignored", type: "" });
  });

  it("ignores a message of another type", () => {
    expect(parseTenantEvent(bytes({ id: "e", type: "tenant.created", tenant_id: "t" }))).toEqual({
      kind: "ignored",
      type: "tenant.created",
    });
  });

  it.each([
    ["the message is not a JSON object", bytes("{")],
    ["the message is not a JSON object", bytes("[]")],
    ["the message is not a JSON object", bytes("null")],
    ["the message is not a JSON object", Uint8Array.from([0xff, 0xfe])],
    ["the event has no type", bytes({ id: "e", tenant_id: "t" })],
    ["the event has no type", bytes({ id: "e", type: ["tenant.deleted"], tenant_id: "t" })],
    ["the event names no tenant", deleted({})],
    ["the event names no tenant", deleted({ tenant_id: 7 })],
    ["the event names no tenant", deleted({ tenant_id: "t", data: { id: { $ne: 1 } } })],
    ["the event names no tenant", deleted({ tenant_id: "a\0b" })],
    ["the event names no tenant", deleted({ tenant_id: "t".repeat(257) })],
    ["the event's id must be a text of at most 256 characters", deleted({ id: 7, tenant_id: "t" })],
    [
      "the event's id must be a text of at most 256 characters",
      deleted({ id: "i".repeat(257), tenant_id: "t" }),
    ],
    ["the event's id must be a text of at most 256 characters", deleted({ id: "\0", tenant_id: "t" })],
  ])("refuses a malformed message: %s", (reason, value) => {
    expect(parseTenantEvent(value)).toEqual({ kind: "malformed", reason });
  });
});
