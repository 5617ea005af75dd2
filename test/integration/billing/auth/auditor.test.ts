import { beforeAll, describe, expect, it } from "vitest";
import { billing, issueVoucher, signToken, useBilling } from "../../../support/builder/billing.ts";

let auditor: string;
let operations: { method: string; path: string; needsToken: boolean; roles: string[] | undefined }[];

useBilling();

beforeAll(async () => {
  auditor = await signToken("auditor", "sovereign-auditor");
  await issueVoucher(billing, "READ");
  const { paths } = (await billing.ask("/openapi.json")).json as {
    paths: Record<string, Record<string, { security?: object[]; "x-roles"?: string[] }>>;
  };
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, one]) => ({
      method: method.toUpperCase(),
      path: path.replace("{code}", "READ").replace(/\{\w+\}/g, "7f0c2f4e-0000-7000-8000-000000000000"),
      // A preview takes a token, and needs none.
      needsToken: one.security?.every((scheme) => Object.keys(scheme).length > 0) ?? false,
      roles: one["x-roles"],
    })),
  );
});

describe("the role sovereign-auditor", () => {
  it("reads everything that administrators read", async () => {
    const reads = operations.filter(({ method, roles }) => method === "GET" && roles !== undefined);
    expect(reads.length).toBeGreaterThanOrEqual(8);
    for (const { path, roles } of reads) {
      expect(roles).toContain("sovereign-auditor");
      expect([path, (await billing.ask(path, { token: auditor })).status]).toEqual([path, 200]);
    }
  });

  it("changes nothing, also not as a customer", async () => {
    const changes = operations.filter(({ method, needsToken }) => method !== "GET" && needsToken);
    expect(changes.length).toBeGreaterThanOrEqual(9);
    const before = await billing.database.pool.query("SELECT to_jsonb(p) FROM promo_codes p");
    for (const { method, path, roles } of changes) {
      expect(roles ?? []).not.toContain("sovereign-auditor");
      const { status, json } = await billing.ask(path, { method, token: auditor, body: {} });
      expect([method, path, status, json.code]).toEqual([method, path, 403, "role_missing"]);
    }
    const after = await billing.database.pool.query("SELECT to_jsonb(p) FROM promo_codes p");
    expect(after.rows).toEqual(before.rows);
  });
});
