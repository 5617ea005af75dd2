import type { lookup as systemLookup } from "node:dns";
import { describe, expect, it } from "vitest";
import { isPublicAddress } from "../../../../src/admission/signature/address.ts";
import {
  createGuardedLookup,
  createRegistryFetch,
  type Destination,
} from "../../../../src/admission/signature/registry-fetch.ts";

type Found = { address: string; family: number }[];

const resolve = (found: Found | Error, options: { all?: boolean } = {}) => {
  const lookup = ((_host: string, _options: object, done: (error: Error | null, all: Found) => void) =>
    found instanceof Error ? done(found, []) : done(null, found)) as unknown as typeof systemLookup;
  return new Promise((settle) => {
    createGuardedLookup(isPublicAddress, lookup)("storage.test", options, (error, address, family) =>
      settle(error?.message ?? { address, family }),
    );
  });
};
const REFUSED = expect.stringMatching(
  /^storage\.test is an address that this registry may not lead to: list /,
);

describe("createGuardedLookup", () => {
  const [open, closed] = [
    { address: "8.8.8.8", family: 4 },
    { address: "10.0.0.1", family: 4 },
  ];

  it("gives the addresses that are allowed, in the form that was asked for", async () => {
    expect(await resolve([open], { all: true })).toEqual({ address: [open], family: undefined });
    expect(await resolve([open])).toEqual({ address: "8.8.8.8", family: 4 });
  });

  it.each<[string, Found]>([
    ["its only address is private", [closed]],
    ["one of its addresses is private", [open, closed]],
    ["it has no address", []],
    ["its IPv6 address embeds a private one", [{ address: "::ffff:10.0.0.1", family: 6 }]],
  ])("fails when %s", async (_, found) => {
    expect(await resolve(found)).toEqual(REFUSED);
    expect(await resolve(found, { all: true })).toEqual(REFUSED);
  });

  it("passes the resolver's failure on", async () => {
    expect(await resolve(new Error("ENOTFOUND"))).toBe("ENOTFOUND");
  });
});

describe("createRegistryFetch", () => {
  const failure = async (url: string, first: Destination, next: Destination, hops = 1) => {
    const fetch = createRegistryFetch()(first, next);
    for (let hop = 1; hop < hops; hop += 1) await fetch("https://[::1]:59/").catch(() => undefined);
    const signal = AbortSignal.timeout(2_000);
    const error: Error & { cause?: Error } = await fetch(url, { signal }).then(
      () => new Error("it answered"),
      (reason) => reason,
    );
    return error.cause?.message ?? error.message;
  };
  const BLOCKED = expect.stringContaining("may not lead to");

  it.each([
    "https://127.0.0.1:59/",
    "https://2130706433:59/",
    "https://0x7f.1:59/",
    "https://[::1]:59/",
    "https://[::ffff:7f00:1]:59/",
    "https://0.0.0.0:59/",
    "https://169.254.169.254:59/",
    "https://localhost:59/",
  ])("sends nothing to %s for a host that a user names, nor for a redirect", async (url) => {
    expect(await failure(url, "named", "foreign")).toEqual(BLOCKED);
    expect(await failure(url, "listed", "foreign", 2)).toEqual(BLOCKED);
  });

  it.each(["https://10.0.0.1:59/", "https://192.168.1.1:59/", "https://[fd00::1]:59/"])(
    "sends nothing to %s for a redirect",
    async (url) => {
      expect(await failure(url, "named", "foreign", 2)).toEqual(BLOCKED);
    },
  );

  it("sends to any address for a registry that the platform lists", async () => {
    for (const hops of [1, 2]) {
      expect(await failure("https://127.0.0.1:59/", "listed", "listed", hops)).toMatch(
        /ECONNREFUSED|bad port/,
      );
      expect(await failure("https://localhost:59/", "listed", "listed", hops)).toMatch(
        /ECONNREFUSED|bad port/,
      );
    }
  });
});
