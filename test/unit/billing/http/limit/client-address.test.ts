import { describe, expect, it } from "vitest";
import { createClientAddress } from "../../../../../src/billing/http/limit/client-address.ts";

const PROXIES = ["10.0.0.0/8", "192.168.1.1", "2001:db8:ffff::/48"];
/** 10.0.0.33, 10.0.0.32, … 10.0.0.1: read from the right, the 32nd is 10.0.0.32. */
const PROXIES_33 = Array.from({ length: 33 }, (_, index) => `, 10.0.0.${33 - index}`).join("");

describe("createClientAddress", () => {
  it.each<[string, string | undefined, string | string[] | undefined, string]>([
    ["the peer, when no proxy is trusted", "1.2.3.4", undefined, "1.2.3.4"],
    ["the peer, when an untrusted peer sends the header", "1.2.3.4", "9.9.9.9", "1.2.3.4"],
    ["what a trusted proxy says", "10.1.1.1", "9.9.9.9", "9.9.9.9"],
    ["the rightmost address that is no proxy", "10.1.1.1", "6.6.6.6, 9.9.9.9, 10.2.2.2", "9.9.9.9"],
    ["over several headers", "10.1.1.1", ["6.6.6.6", "9.9.9.9, 192.168.1.1"], "9.9.9.9"],
    ["the proxy, when all are", "10.1.1.1", "10.2.2.2", "10.2.2.2"],
    ["the proxy, when what it says is no address", "10.1.1.1", "9.9.9.9, unknown", "10.1.1.1"],
    ["without a port", "10.1.1.1", "9.9.9.9:4711", "9.9.9.9"],
    ["as IPv4, also in IPv6 clothing", "::ffff:1.2.3.4", undefined, "1.2.3.4"],
    ["as IPv4, in IPv6 clothing of any cut", "10.1.1.1", "0:0:0:0:0:FFFF:0102:0304", "1.2.3.4"],
    ["trusted also in IPv6 clothing", "::ffff:10.1.1.1", "9.9.9.9", "9.9.9.9"],
    ["the /64 of an IPv6 address", "2001:db8::1", undefined, "2001:db8:0:0::/64"],
    [
      "the same /64 for each of its addresses",
      "10.1.1.1",
      "[2001:DB8:0:0:ffff:1:2:3]:443",
      "2001:db8:0:0::/64",
    ],
    ["the /64 of a full address", "2001:db8:1:2:3:4:5:6", undefined, "2001:db8:1:2::/64"],
    ["without a zone", "fe80::1%eth0", undefined, "fe80:0:0:0::/64"],
    ["the /64 of an address that begins with zeros", "::1", undefined, "0:0:0:0::/64"],
    ["the proxy, when its header is empty", "10.1.1.1", undefined, "10.1.1.1"],
    ["behind an IPv6 proxy", "2001:db8:ffff::1", "9.9.9.9", "9.9.9.9"],
    ["the peer, when the header is empty", "10.1.1.1", "", "10.1.1.1"],
    ["read as far as an empty hop", "10.1.1.1", "9.9.9.9,,10.2.2.2", "10.2.2.2"],
    ["what follows a comma", "10.1.1.1", ",9.9.9.9", "9.9.9.9"],
    ["the last of 32 proxies, when still more are named", "10.1.1.1", `9.9.9.9${PROXIES_33}`, "10.0.0.32"],
    [
      "the peer, when the hop is too long for an address",
      "10.1.1.1",
      `${" ".repeat(200)}9.9.9.9`,
      "10.1.1.1",
    ],
    ["nothing, when the peer has disconnected", undefined, "9.9.9.9", ""],
  ])("returns %s", (_what, peer, forwardedFor, expected) => {
    expect(createClientAddress(PROXIES)(peer, forwardedFor)).toBe(expected);
  });

  it.each(["everybody", "10.0.0.0/33", "10.0.0.0/x", "::/129", "10.0.0.0/-1"])(
    "refuses %s in TRUSTED_PROXIES",
    (entry) => {
      expect(() => createClientAddress([entry])).toThrow(`TRUSTED_PROXIES: '${entry}'`);
    },
  );
});
