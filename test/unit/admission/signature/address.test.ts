import { describe, expect, it } from "vitest";
import { addressOf, isPublicAddress, isRemoteAddress } from "../../../../src/admission/signature/address.ts";

describe("isPublicAddress", () => {
  it.each([
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "172.15.0.1",
    "172.32.0.1",
    "192.169.0.1",
    "223.255.255.255",
    "2606:4700::1111",
    "2a00:1450::1",
    // NAT64: 8.8.8.8 in a cluster that has only IPv6.
    "64:ff9b::808:808",
    "64:ff9b::8.8.8.8",
    "64:ff9b::808:808%eth0",
  ])("holds for %s", (address) => expect(isPublicAddress(address)).toBe(true));

  it.each([
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
    "::ffff:8.8.8.8",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b::1",
    "64:ff9b::",
    "64:ff9b:1::1",
    "2001::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "localhost",
    "",
  ])("does not hold for %j", (address) => expect(isPublicAddress(address)).toBe(false));
});

describe("isRemoteAddress", () => {
  it.each([
    "8.8.8.8",
    "10.0.0.1",
    "192.168.1.1",
    "fd12:3456::1",
    "2606:4700::1111",
    "64:ff9b::808:808",
    "64:ff9b::a00:1",
  ])("holds for %s", (address) => expect(isRemoteAddress(address)).toBe(true));

  it.each([
    "0.0.0.0",
    "127.0.0.1",
    "127.1.2.3",
    "169.254.169.254",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:a9fe:a9fe",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b::7f00:1",
    "64:ff9b::",
    "64:ff9b::1",
    "fe80::1",
    // Metadata services of clouds.
    "100.100.100.200",
    "fd00:ec2::254",
    "fd20:ce::254",
  ])("does not hold for %s", (address) => expect(isRemoteAddress(address)).toBe(false));
});

describe("addressOf", () => {
  it.each([
    ["https://127.0.0.1/", "127.0.0.1"],
    ["https://2130706433/", "127.0.0.1"],
    ["https://0x7f000001/", "127.0.0.1"],
    ["https://0177.0.0.1/", "127.0.0.1"],
    ["https://127.1/", "127.0.0.1"],
    ["https://0xa9fea9fe/", "169.254.169.254"],
    ["https://１２７.0.0.1/", "127.0.0.1"],
    ["https://[::1]:8443/", "::1"],
    ["https://[::ffff:127.0.0.1]/", "::ffff:7f00:1"],
    ["https://registry.test/", undefined],
  ])("of %s is %j", (url, address) => expect(addressOf(new URL(url))).toBe(address));
});
