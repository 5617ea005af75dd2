import { describe, expect, it } from "vitest";
import { createCatalogSource, parseCatalogFile } from "../../../../src/billing/checkout/catalog.ts";

describe("createCatalogSource", () => {
  it("gives what the file says", async () => {
    const catalog = parseCatalogFile({ plans: [{ id: "small", price_baisa: 9_000 }] });
    expect(await createCatalogSource(() => catalog)()).toBe(catalog);
  });

  it("says catalog_unavailable of a file that cannot be used, and keeps the reason", async () => {
    const broken = createCatalogSource(() => parseCatalogFile({ plans: 5 }));
    await expect(broken()).rejects.toMatchObject({
      code: "catalog_unavailable",
      cause: expect.objectContaining({ message: "plans must be an array" }),
    });
  });
});
