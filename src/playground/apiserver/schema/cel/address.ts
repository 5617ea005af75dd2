import { BlockList, isIP } from "node:net";
import { type Environment, EvaluationError } from "@marcbachmann/cel-js";
import { isCidr } from "../format.ts";
import type { Define } from "./define.ts";

class Ip {
  readonly text: string;
  readonly family: 4 | 6;
  /** The address as a number of 32 or 128 bits. */
  readonly bits: bigint;

  constructor(bits: bigint, family: 4 | 6) {
    this.bits = bits;
    this.family = family;
    this.text = family === 4 ? ipv4Text(bits) : ipv6Text(bits);
  }
}

class Cidr {
  readonly address: Ip;
  readonly prefix: number;
  constructor(address: Ip, prefix: number) {
    this.address = address;
    this.prefix = prefix;
  }

  get width(): number {
    return this.address.family === 4 ? 32 : 128;
  }

  /** The part of an address that a member of this range shares with it. */
  network(bits: bigint): bigint {
    const hostBits = BigInt(this.width - this.prefix);
    return (bits >> hostBits) << hostBits;
  }

  contains(ip: Ip): boolean {
    return ip.family === this.address.family && this.network(ip.bits) === this.network(this.address.bits);
  }
}

/** No zone, no IPv4-mapped IPv6: Kubernetes takes neither. */
function parseIp(text: string): Ip | undefined {
  switch (isIP(text)) {
    case 4:
      return new Ip(
        text.split(".").reduce((bits, part) => (bits << 8n) | BigInt(part), 0n),
        4,
      );
    case 6: {
      if (text.includes("%") || (text.includes(".") && /ffff:/i.test(text))) return undefined;
      return new Ip(ipv6Bits(text), 6);
    }
    default:
      return undefined;
  }
}

function ipv6Bits(text: string): bigint {
  // A URL's host is the canonical text without dotted quads.
  const canonical = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = "", tail] = canonical.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  return [...first, ...zeros, ...last].reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function ipv4Text(bits: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join(".");
}

function ipv6Text(bits: bigint): string {
  const groups = Array.from({ length: 8 }, (_, index) => (bits >> BigInt(112 - 16 * index)) & 0xffffn);
  return new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]`).hostname.slice(1, -1);
}

function parseCidr(text: string): Cidr | undefined {
  const [address = "", prefix = ""] = text.split("/");
  const ip = isCidr(text) ? parseIp(address) : undefined;
  return ip && new Cidr(ip, Number(prefix));
}

function required<Value>(value: Value | undefined, message: string): Value {
  if (value === undefined) throw new EvaluationError({ code: "invalid_address", message });
  return value;
}

const ip = (text: string) =>
  required(parseIp(text), `IP Address ${JSON.stringify(text)} parse error during conversion from string`);
const cidr = (text: string) =>
  required(
    parseCidr(text),
    `network address parse error during conversion from string: netip.ParsePrefix(${JSON.stringify(text)})`,
  );

const ranges = (...texts: string[]) => {
  const list = new BlockList();
  for (const text of texts) {
    const [address = "", prefix] = text.split("/");
    list.addSubnet(address, Number(prefix), address.includes(":") ? "ipv6" : "ipv4");
  }
  return ({ text, family }: Ip) => list.check(text, family === 4 ? "ipv4" : "ipv6");
};

const isUnspecified = ({ bits }: Ip) => bits === 0n;
const isLoopback = ranges("127.0.0.0/8", "::1/128");
const isLinkLocalMulticast = ranges("224.0.0.0/24", "ff02::/16");
const isLinkLocalUnicast = ranges("169.254.0.0/16", "fe80::/10");
const isMulticast = ranges("224.0.0.0/4", "ff00::/8");
const isGlobalUnicast = (address: Ip) =>
  ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some((check) => check(address)) &&
  address.text !== "255.255.255.255";

export function registerAddresses(environment: Environment, define: Define): void {
  const IP = "net.IP";
  const CIDR = "net.CIDR";
  environment.registerType(IP, Ip);
  environment.registerType(CIDR, Cidr);
  environment.registerOperator(
    `${IP} == ${IP}`,
    (a: Ip, b: Ip) => a.family === b.family && a.bits === b.bits,
  );
  environment.registerOperator(
    `${CIDR} == ${CIDR}`,
    (a: Cidr, b: Cidr) => a.prefix === b.prefix && a.address.text === b.address.text,
  );

  define("isIP(string): bool", (text: string) => parseIp(text) !== undefined);
  define(`ip(string): ${IP}`, ip);
  define(`string(${IP}): string`, ({ text }: Ip) => text);
  define(`${IP}.family(): int`, ({ family }: Ip) => BigInt(family));
  define(`${IP}.isUnspecified(): bool`, isUnspecified);
  define(`${IP}.isLoopback(): bool`, isLoopback);
  define(`${IP}.isLinkLocalMulticast(): bool`, isLinkLocalMulticast);
  define(`${IP}.isLinkLocalUnicast(): bool`, isLinkLocalUnicast);
  define(`${IP}.isGlobalUnicast(): bool`, isGlobalUnicast);

  class IpNamespace {}
  environment.registerType("IpNamespace", IpNamespace);
  environment.registerConstant("ip", "IpNamespace", new IpNamespace());
  define("IpNamespace.isCanonical(string): bool", (_: unknown, text: string) => ip(text).text === text);

  define("isCIDR(string): bool", (text: string) => parseCidr(text) !== undefined);
  define(`cidr(string): ${CIDR}`, cidr);
  define(`string(${CIDR}): string`, ({ address, prefix }: Cidr) => `${address.text}/${prefix}`);
  define(`${CIDR}.ip(): ${IP}`, ({ address }: Cidr) => address);
  define(`${CIDR}.prefixLength(): int`, ({ prefix }: Cidr) => BigInt(prefix));
  define(
    `${CIDR}.masked(): ${CIDR}`,
    (range: Cidr) => new Cidr(new Ip(range.network(range.address.bits), range.address.family), range.prefix),
  );
  define(`${CIDR}.containsIP(${IP}): bool`, (range: Cidr, address: Ip) => range.contains(address));
  define(`${CIDR}.containsIP(string): bool`, (range: Cidr, text: string) => range.contains(ip(text)));
  const containsCidr = (range: Cidr, other: Cidr) =>
    other.prefix >= range.prefix && range.contains(other.address);
  define(`${CIDR}.containsCIDR(${CIDR}): bool`, containsCidr);
  define(`${CIDR}.containsCIDR(string): bool`, (range: Cidr, text: string) =>
    containsCidr(range, cidr(text)),
  );
}
