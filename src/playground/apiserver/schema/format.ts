import { isIP, isIPv4, isIPv6 } from "node:net";
import { compilePattern } from "./pattern.ts";

const HOSTNAME =
  "^([a-zA-Z0-9\\p{S}\\p{L}]((-?[a-zA-Z0-9\\p{S}\\p{L}]{0,62})?)|([a-zA-Z0-9\\p{S}\\p{L}](([a-zA-Z0-9-\\p{S}\\p{L}]{0,61}[a-zA-Z0-9\\p{S}\\p{L}])?)(\\.)){1,}([a-zA-Z\\p{L}]){2,63})$";
const uuid = (version: string, variant: string) =>
  `(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?${variant}-?[0-9a-f]{12}$`;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2}|60)(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

const byPattern = (pattern: string) => (value: string) => compilePattern(pattern).test(value);

/** String formats that a CRD schema enforces; others are ignored, as Kubernetes ignores them. */
const FORMATS: Record<string, (value: string) => boolean> = {
  uri: isRequestUri,
  email: (value) => /^[^\s@<>]+@[^\s@<>]+$/.test(value.trim()) || /^.*<[^\s@<>]+@[^\s@<>]+>$/.test(value),
  hostname: (value) =>
    value.length <= 255 &&
    byPattern(HOSTNAME)(value) &&
    value.split(".").every((part) => Buffer.byteLength(part) <= 63),
  ipv4: isIPv4,
  ipv6: isIPv6,
  cidr: isCidr,
  mac: (value) =>
    /^([0-9a-f]{2}[:-]){5,7}[0-9a-f]{2}$/i.test(value) || /^([0-9a-f]{4}\.){2,3}[0-9a-f]{4}$/i.test(value),
  uuid: byPattern(uuid("[0-9a-f]{4}", "[0-9a-f]{4}")),
  uuid3: byPattern(uuid("3[0-9a-f]{3}", "[0-9a-f]{4}")),
  uuid4: byPattern(uuid("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
  uuid5: byPattern(uuid("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}")),
  hexcolor: byPattern("^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"),
  byte: (value) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value),
  password: () => true,
  date: (value) => /^\d{4}-\d{2}-\d{2}$/.test(value) && isCalendarDate(value),
  duration: (value) => parseFormattedDuration(value) !== undefined,
  datetime: isDateTime,
  "k8s-short-name": (value) => value.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(value),
  "k8s-long-name": (value) =>
    value.length <= 253 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(value),
};

/** The check of a string format, undefined for a format that is not enforced. */
export function formatCheck(format: string): ((value: string) => boolean) | undefined {
  const name = Object.hasOwn(FORMATS, format) ? format : format.replaceAll("-", "");
  return Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
}

export function isDateTime(value: string): boolean {
  const match = DATE_TIME.exec(value);
  if (match === null) return false;
  const [, , , , hour, minute] = match;
  return Number(hour) < 24 && Number(minute) < 60 && isCalendarDate(value.slice(0, 10));
}

function isCalendarDate(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Whether a text is a path or an absolute URI. `net/url` accepts any scheme, with or without a host. */
function isRequestUri(value: string): boolean {
  const rooted = /^(?:\/|[a-zA-Z][a-zA-Z0-9+.-]*:)[!-~\u{80}-\u{10ffff}]*$/u.test(value);
  return rooted && !/%(?![0-9a-fA-F]{2})/.test(value);
}

export function isCidr(value: string): boolean {
  const [address = "", prefix = "", ...rest] = value.split("/");
  const family = isIP(address);
  return (
    rest.length === 0 &&
    family !== 0 &&
    /^\d{1,3}$/.test(prefix) &&
    Number(prefix) <= (family === 4 ? 32 : 128)
  );
}

const UNIT_NS: Record<string, bigint> = {
  h: 3_600_000_000_000n,
  m: 60_000_000_000n,
  s: 1_000_000_000n,
  ms: 1_000_000n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ns: 1n,
};

/** Nanoseconds of a Go duration (`1h30m`, `-1.5s`, `0`), undefined when it is none. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)(0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (match === null) return undefined;
  let total = 0n;
  for (const [, amount = "", unit = ""] of (match[2] ?? "").matchAll(
    /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g,
  )) {
    const scale = UNIT_NS[unit] ?? 0n;
    const [whole = "0", fraction = ""] = amount.split(".");
    total += BigInt(whole || "0") * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return match[1] === "-" ? -total : total;
}

// The last spelling of each unit also matches all longer ones: `days`, `minutes`, …
const WORDED_UNITS: readonly (readonly [bigint, readonly string[]])[] = [
  [1n, ["ns", "nano"]],
  [1_000n, ["us", "µs", "micro"]],
  [1_000_000n, ["ms", "milli"]],
  [1_000_000_000n, ["s", "sec"]],
  [60_000_000_000n, ["m", "min"]],
  [3_600_000_000_000n, ["h", "hr", "hour"]],
  [86_400_000_000_000n, ["d", "day"]],
  [604_800_000_000_000n, ["w", "wk", "week"]],
];

/** Nanoseconds of a string of format `duration`, which also has days, weeks and words: `1d`, `2 weeks`. */
export function parseFormattedDuration(text: string): bigint | undefined {
  const plain = parseDuration(text);
  if (plain !== undefined) return plain;
  const parts = [...text.matchAll(/(\d+)\s*([A-Za-zµ]+)/g)].flatMap(([, amount = "0", word = ""]) => {
    const unit = word.toLowerCase();
    const scale = WORDED_UNITS.find(([, spellings]) => {
      return spellings.includes(unit) || unit.startsWith(spellings.at(-1) ?? unit);
    });
    return scale === undefined ? [] : [BigInt(amount) * scale[0]];
  });
  return parts.length === 0 ? undefined : parts.reduce((total, part) => total + part, 0n);
}
