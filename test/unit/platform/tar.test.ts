import { describe, expect, it } from "vitest";
import { tarArchive } from "../../../src/platform/tar.ts";

const OPTIONS = { mode: 0o600, modifiedAt: new Date(0) };

describe("an archive", () => {
  it("consists of whole blocks, also with empty files", () => {
    const files = [
      { path: "a", content: "" },
      { path: "b", content: "x".repeat(512) },
    ];
    const tar = tarArchive(files, OPTIONS);
    expect(tar.length).toBe(512 * 5);
  });

  it("refuses a path that the format cannot hold", () => {
    const long = { path: "x".repeat(101), content: "" };
    expect(() => tarArchive([long], OPTIONS)).toThrow("a path in the archive is too long");
  });
});
