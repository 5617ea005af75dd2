import type { LookupAddress } from "node:dns";
import { describe, expect, it } from "vitest";
import { createClusterLookup, isRefusedAddress } from "../../../src/kube/remote-address.ts";

/** A resolver that gives these addresses, or this error. */
const resolver = (result: string[] | Error) =>
  createClusterLookup(((
    _host: string,
    _options: object,
    callback: (error: Error | null, found: LookupAddress[]) => void,
  ) =>
    result instanceof Error
      ? callback(result, [])
      : callback(
          null,
          result.map((address) => ({ address, family: 4 })),
        )) as never);

const ask = (result: string[] | Error, options: object) =>
  new Promise((resolve) =>
    resolver(result)("api.example", options, (error, ...found) => resolve(error?.message ?? found)),
  );

describe("the lookup of a cluster's name", () => {
  it("gives one address, or all that are asked for", async () => {
    expect(await ask(["10.0.0.7", "10.0.0.8"], {})).toEqual(["10.0.0.7", 4]);
    expect(await ask(["10.0.0.7"], { all: true })).toEqual([[{ address: "10.0.0.7", family: 4 }]]);
    expect(await ask([], {})).toEqual([[]]);
  });

  it("fails when one address is refused, or when the resolver fails", async () => {
    expect(await ask(["10.0.0.7", "169.254.169.254"], { all: true })).toBe(
      "api.example resolves to 169.254.169.254, which is no cluster's address",
    );
    expect(await ask(new Error("no such name"), {})).toBe("no such name");
  });
});

describe("isRefusedAddress", () => {
  it.each(["127.0.0.1", "10.1.2.3", "2001:db8::1", "api.example"])("allows %s", (address) => {
    expect(isRefusedAddress(address)).toBe(false);
  });
});
