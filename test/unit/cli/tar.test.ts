import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressedArchive } from "../../../src/cli/tar.ts";

describe("an archive", () => {
  it("consists of whole blocks, also with empty files", () => {
    const tar = gunzipSync(
      compressedArchive(
        [
          { path: "a", content: "" },
          { path: "b", content: "x".repeat(512) },
        ],
        new Date(0),
      ),
    );
    expect(tar.length).toBe(512 * 5);
  });

  it("refuses a path that the format cannot hold", () => {
    const long = { path: "x".repeat(101), content: "" };
    expect(() => compressedArchive([long], new Date(0))).toThrow("a path in the archive is too long");
  });
});
