import { describe, expect, it } from "vitest";
import { createCatalogSource, parseCatalogFile } from "../../../../src/billing/checkout/catalog.ts";

describe("createCatalogSource", () => {
  it("returns the catalog of the file", async () => {
    const catalog = parseCatalogFile({ plans: [{ id: "small", price_baisa: 9_000 }] });
    expect(await createCatalogSource(() => catalog)(true)).toBe(catalog);
  });

  it("fails with catalog_unavailable for an invalid file, and keeps the reason", async () => {
    const broken = createCatalogSource(() => parseCatalogFile({ plans: 5 }));
    await expect(broken(true)).rejects.toMatchObject({
      code: "catalog_unavailable",
      cause: expect.objectContaining({ message: "plans must be an array" }),
    });
  });
});
