import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createTenantDirectory, type TenantDirectory } from "../../../../src/billing/tenant/directory.ts";
import { type AnsweringServer, startAnsweringServer } from "../../../support/server/answering-server.ts";

let server: AnsweringServer;
let tenants: TenantDirectory;
beforeEach(async () => {
  server = await startAnsweringServer();
  tenants = createTenantDirectory({ baseUrl: `${server.origin}/`, fetch });
});
afterEach(() => server.close());

const MEMBERS = "/tenants/a%2Fb/members";
const SUBDOMAIN = "/tenant/internal/tenants/a%2Fb/subdomain";

describe("a tenant's members", () => {
  it.each<[string, unknown, boolean]>([
    ["ids", ["ali", "salma"], true],
    ["objects with ids", [{ user_id: "ali" }, { user_id: "salma", role: "owner" }], true],
    ["others", ["ali", { user_id: "noor" }], false],
    ["an empty list", [], false],
    ["invalid members", [null, 5, {}, [], { user_id: ["salma"] }], false],
  ])("reads the members from %s", async (_what, body, isMember) => {
    server.answers[MEMBERS] = { body };
    expect(await tenants.isMember("a/b", "salma")).toBe(isMember);
    expect(server.asked).toEqual([MEMBERS]);
  });

  it("returns no members for an unknown tenant", async () => {
    expect(await tenants.isMember("a/b", "salma")).toBe(false);
  });

  it.each<[string, AnsweringServer["answers"][string]]>([
    ["a fault", { status: 500, body: ["salma"] }],
    ["a redirect", { status: 302, headers: { location: "/elsewhere" }, body: ["salma"] }],
    ["no list", { body: { members: ["salma"] } }],
    ["no JSON", { body: "<html>" }],
  ])("fails when the service answers %s", async (_what, answer) => {
    server.answers[MEMBERS] = answer;
    server.answers["/elsewhere"] = { body: ["salma"] };
    await expect(tenants.isMember("a/b", "salma")).rejects.toMatchObject({
      code: "tenant_service_unavailable",
      cause: expect.any(Error),
    });
  });
});

describe("a tenant's subdomain", () => {
  it.each<[string, AnsweringServer["answers"][string] | undefined, string]>([
    ["what the service says", { body: { subdomain: "shop" } }, "shop"],
    ["empty for an unknown tenant", undefined, ""],
    ["empty where it says none", { body: {} }, ""],
    ["empty where it says nonsense", { body: { subdomain: 5 } }, ""],
    ["empty where it says null", { body: "null" }, ""],
  ])("reads the subdomain as %s", async (_what, answer, expected) => {
    if (answer !== undefined) server.answers[SUBDOMAIN] = answer;
    expect(await tenants.subdomain("a/b")).toBe(expected);
  });

  it("fails while the service is unreachable", async () => {
    server.answers[SUBDOMAIN] = { status: 503 };
    await expect(tenants.subdomain("a/b")).rejects.toMatchObject({ code: "tenant_service_unavailable" });
    await server.close();
    await expect(tenants.subdomain("a/b")).rejects.toMatchObject({ code: "tenant_service_unavailable" });
  });
});
