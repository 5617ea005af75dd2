import { SYSTEM_NAMESPACE } from "./name.ts";
import { type ConfigMapObject, isMap } from "./object.ts";

/**
 * Which digests run in an environment, as the operator saw them. Each source environment of a soak rule has a record, in
 * a ConfigMap of catalyst-system, which only the platform may write.
 */
export type SoakRecord = Readonly<Record<string, SoakEntry>>;

/** Times are RFC 3339. */
export interface SoakEntry {
  /** When the operator first saw the digest run, without a break since. */
  since: string;
  /** When the operator last saw it run. Written again only when it is a few minutes old. */
  seen: string;
}

export const SOAK_LABEL = { "app.kubernetes.io/component": "soak-record" } as const;
const KEY = "record.json";
const PREFIX = "catalyst-soak-";

/** A digest that has not been seen for this long has stopped. An update or a restart of the operator takes less. */
export const SOAK_BREAK_MS = 15 * 60_000;

export const soakRecordName = (environment: string): string => `${PREFIX}${environment}`;

export const soakRecordObject = (environment: string, record: SoakRecord): ConfigMapObject => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: soakRecordName(environment), namespace: SYSTEM_NAMESPACE, labels: { ...SOAK_LABEL } },
  data: { [KEY]: JSON.stringify(record) },
});

/** Skips entries that cannot be read. The operator must observe their digests again. */
export function parseSoakRecord(object: ConfigMapObject | undefined): SoakRecord {
  try {
    const record: unknown = JSON.parse(object?.data?.[KEY] ?? "{}");
    return Object.fromEntries(
      Object.entries(isMap(record) ? record : {}).flatMap(([digest, entry]) =>
        isMap(entry) && isTime(entry.since) && isTime(entry.seen)
          ? [[digest, { since: entry.since, seen: entry.seen }]]
          : [],
      ),
    );
  } catch {
    return {};
  }
}

const isTime = (value: unknown): value is string =>
  typeof value === "string" && !Number.isNaN(Date.parse(value));

/** Since when a digest has run without a break, in milliseconds; undefined when it does not run. */
export function runningSinceMs(record: SoakRecord, digest: string, nowMs: number): number | undefined {
  const entry = Object.hasOwn(record, digest) ? record[digest] : undefined;
  if (entry === undefined || nowMs - Date.parse(entry.seen) > SOAK_BREAK_MS) return undefined;
  return Date.parse(entry.since);
}
