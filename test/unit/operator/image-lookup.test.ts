import { describe, expect, it } from "vitest";
import { RegistryError } from "../../../src/admission/signature/registry-request.ts";
import { createImageLookup } from "../../../src/operator/image-lookup.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;
const { signal } = new AbortController();

describe("createImageLookup", () => {
  it.each([
    [`registry.example:5000/team/billing@${DIGEST}`, "registry.example:5000", "team/billing"],
    [`registry.example/billing:2.0@${DIGEST}`, "registry.example", "billing"],
    [`billing@${DIGEST}`, "docker.io", "library/billing"],
  ])("asks for %s at its registry by the digest", async (image, host, repository) => {
    const asked: unknown[] = [];
    const find = createImageLookup({
      async manifest(at, reference) {
        asked.push([at.host, at.repository, reference]);
        return new Uint8Array();
      },
    });
    expect(await find(image, signal)).toBe(true);
    expect(asked).toEqual([[host, repository, DIGEST]]);
  });

  it("answers false when the registry does not have the manifest", async () => {
    const find = createImageLookup({ manifest: async () => undefined });
    expect(await find(`registry.example/billing@${DIGEST}`, signal)).toBe(false);
  });

  it("fails when the registry refuses to answer", async () => {
    const find = createImageLookup({
      manifest: () => Promise.reject(new RegistryError("registry.example answers 401")),
    });
    await expect(find(`registry.example/billing@${DIGEST}`, signal)).rejects.toThrow("answers 401");
  });

  it("fails when the reference cannot be read", async () => {
    const find = createImageLookup({ manifest: async () => undefined });
    await expect(find(`registry.example/../billing@${DIGEST}`, signal)).rejects.toThrow(
      "is not a valid reference",
    );
  });
});
