import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ORGANIZATION } from "../../../../src/api/organization.ts";
import {
  desiredOrganization,
  organizationName,
} from "../../../../src/controllers/organization/desired-organization.ts";
import { character } from "../../../support/builder/character.ts";
import { manifestProblems } from "../../../support/builder/manifest.ts";

const order = { id: "order-1", tenant_id: "Salma's Shop", user_id: "salma", promo_code: "RAMADAN" };

describe("the Organization of an order", () => {
  it("names its owner, its Sovereign and its order", () => {
    expect(desiredOrganization("omantel", order)).toEqual({
      apiVersion: "catalyst.openova.io/v1alpha1",
      kind: ORGANIZATION.kind,
      metadata: { name: expect.stringMatching(/^salma-s-shop-[0-9a-f]{10}$/) },
      spec: {
        displayName: "Salma's Shop",
        owner: "salma",
        sovereign: "omantel",
        order: "order-1",
        voucher: "RAMADAN",
      },
    });
    expect(desiredOrganization("omantel", { ...order, promo_code: null }).spec).not.toHaveProperty("voucher");
  });

  it("has the same name for every order of a tenant, and another name on another Sovereign", () => {
    const name = organizationName("omantel", order.tenant_id);
    expect(desiredOrganization("omantel", { ...order, id: "order-2", user_id: "badr" }).metadata.name).toBe(
      name,
    );
    expect(organizationName("catalyst-zero", order.tenant_id)).not.toBe(name);
  });

  it.each([
    ["shop", /^shop-[0-9a-f]{10}$/],
    ["--- متجر ---", /^[0-9a-f]{10}$/],
    ["a".repeat(200), /^a{40}-[0-9a-f]{10}$/],
    [`${"a".repeat(39)}-b`, /^a{39}-[0-9a-f]{10}$/],
  ])("has a readable name where the tenant's id allows: %s", (tenant, pattern) => {
    expect(organizationName("omantel", tenant)).toMatch(pattern);
  });

  it("has different names for tenants whose ids differ only in characters that a name cannot have", () => {
    const names = ["shop 1", "shop-1", "Shop 1", "shop_1"].map((tenant) =>
      organizationName("omantel", tenant),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it("is a valid manifest for any tenant and user", () => {
    const id = fc.string({ minLength: 1, unit: character });
    fc.assert(
      fc.property(id, id, (tenant_id, user_id) => {
        const organization = desiredOrganization("omantel", { ...order, tenant_id, user_id });
        expect(organization.metadata.name).toMatch(/^[a-z0-9]([-a-z0-9]{0,51}[a-z0-9])?$/);
        expect(manifestProblems(organization)).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});
