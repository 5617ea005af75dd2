import { describe, expect, it } from "vitest";
import { setNewest } from "../../../src/platform/bounded-map.ts";

describe("setNewest", () => {
  it("drops the entry that was set longest ago", () => {
    const map = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    setNewest(map, "c", 3, 2);
    expect([...map]).toEqual([
      ["b", 2],
      ["c", 3],
    ]);
  });

  it("makes an entry that is set again the newest", () => {
    const map = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    setNewest(map, "a", 3, 2);
    setNewest(map, "c", 4, 2);
    expect([...map]).toEqual([
      ["a", 3],
      ["c", 4],
    ]);
  });
});
