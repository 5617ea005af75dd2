import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createStringSharing } from "../../../src/kube/shared-string.ts";

describe("the sharing of strings", () => {
  it("leaves every value as it is", () => {
    const share = createStringSharing();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(share(structuredClone(value))).toEqual(value);
      }),
    );
  });

  it("leaves values as they are when it has seen more strings than it keeps", () => {
    const share = createStringSharing();
    const values = Array.from({ length: 10_000 }, (_, index) => ({ text: [`text ${index}`] }));
    expect(share(structuredClone(values))).toEqual(values);
  });

  it("makes equal strings take the memory of one", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const usedBytes = () => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const parsed = () => JSON.parse(`{"message":"${"x".repeat(100_000)}"}`) as { message: string };
    const share = createStringSharing();
    const before = usedBytes();
    const held = Array.from({ length: 200 }, () => share(parsed()));
    // Each with a string of its own would take 20 MB.
    expect(usedBytes() - before).toBeLessThan(5_000_000);
    expect(new Set(held.map(({ message }) => message)).size).toBe(1);
  });
});
