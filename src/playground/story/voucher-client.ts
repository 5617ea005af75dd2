import { randomBytes, randomUUID } from "node:crypto";
import type { StorySovereign } from "./context.ts";
import { newCustomer, type Person, signIn } from "./person.ts";
import { callVoucherApi, type VoucherResponse } from "./voucher-api.ts";

export const SOVEREIGN_ADMIN: Person = {
  id: "omantel-admin",
  email: "admin@omantel.example",
  role: "sovereign-admin",
};

/** Members of every preview, whether the voucher can be redeemed or not. */
export const PREVIEW_MEMBERS = ["accepting_redemptions", "active", "code", "credit_omr", "description"];

interface NewVoucher {
  code: string;
  credit_omr: number;
  description: string;
  max_redemptions: number;
}

/** The voucher requests of the story's people on one Sovereign. */
export interface VoucherClient {
  issue(voucher: NewVoucher): Promise<VoucherResponse>;
  revoke(code: string): Promise<VoucherResponse>;
  /** Without a token. */
  preview(code: string): Promise<VoucherResponse>;
  /** Orders the plan with a voucher. */
  checkout(token: string, code: string, tenant: string): Promise<VoucherResponse>;
  /** The token of a new customer. */
  newCustomerToken(name: string): Promise<string>;
}

export async function createVoucherClient(
  { url, jwtSecret }: StorySovereign,
  planId: string,
): Promise<VoucherClient> {
  const adminToken = await signIn(SOVEREIGN_ADMIN, jwtSecret);
  return {
    issue: (voucher) => callVoucherApi(url, "/billing/vouchers/issue", { token: adminToken, body: voucher }),
    revoke: (code) =>
      callVoucherApi(url, `/billing/vouchers/revoke/${code}`, { method: "DELETE", token: adminToken }),
    preview: (code) => callVoucherApi(url, "/billing/vouchers/redeem-preview", { body: { code } }),
    checkout: (token, code, tenant) =>
      callVoucherApi(url, "/billing/checkout", {
        token,
        idempotencyKey: randomUUID(),
        body: { plan_id: planId, apps: [], addons: [], tenant_id: tenant, promo_code: code },
      }),
    newCustomerToken: (name) => signIn(newCustomer(name), jwtSecret),
  };
}

/** A code that no earlier run on the same database has used. */
export const newCode = (prefix: string) => `${prefix}-${randomBytes(3).toString("hex").toUpperCase()}`;

export const newTenant = (prefix: string) => newCode(prefix).toLowerCase();

export const errorOf = ({ json }: VoucherResponse) =>
  String((json as { error?: string } | undefined)?.error ?? "");
