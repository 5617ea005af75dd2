import { parseReference } from "../../admission/rules/reference.ts";
import { imagesIn } from "../../admission/rules/workload-image.ts";
import { type KubernetesObject, listOf, mapOf } from "../../api/object.ts";
import { SOAK_BREAK_MS, type SoakEntry, type SoakRecord } from "../../api/soak-record.ts";

/** Limits the record: an entry takes 150 bytes, and a ConfigMap holds 1 MiB. */
const MAX_DIGESTS = 500;
/** An entry is written again at most this often, so that a quiet environment costs few writes. */
const REFRESH_MS = 5 * 60_000;

/** Running digests, each with the start time in milliseconds. */
export type RunningDigests = ReadonlyMap<string, number>;

/**
 * The running digests: images of ready Pods, and charts of ready HelmReleases. Only the kubelet and Flux write the fields
 * that this reads, because admission denies such writes to others.
 */
export function runningDigests(
  pods: readonly KubernetesObject[],
  releases: readonly KubernetesObject[],
): RunningDigests {
  const running = new Map<string, number>();
  const add = (digest: string, sinceMs: number) =>
    void running.set(digest, Math.min(sinceMs, running.get(digest) ?? sinceMs));
  for (const pod of pods) {
    const sinceMs = readySinceMs(pod);
    if (sinceMs !== undefined) for (const digest of imageDigests(pod)) add(digest, sinceMs);
  }
  for (const release of releases) {
    const sinceMs = readySinceMs(release);
    const digest = chartDigest(release);
    if (sinceMs !== undefined && digest !== undefined) add(digest, sinceMs);
  }
  return running;
}

function readySinceMs({ metadata, ...object }: KubernetesObject): number | undefined {
  const { conditions } = mapOf(mapOf(object).status);
  const ready = listOf(conditions)
    .map(mapOf)
    .find(({ type }) => type === "Ready");
  const sinceMs = Date.parse(String(ready?.lastTransitionTime));
  const isReady = ready?.status === "True" && metadata.deletionTimestamp === undefined;
  return isReady && !Number.isNaN(sinceMs) ? sinceMs : undefined;
}

/**
 * Init containers have run when the Pod is ready. Ephemeral containers are left out, because people add them for debugging.
 */
function imageDigests(pod: KubernetesObject): string[] {
  return imagesIn({ spec: mapOf(pod).spec })
    .filter(({ path }) => !path.includes(".ephemeralContainers["))
    .map(({ image }) => parseReference(image))
    .flatMap((reference) => (reference.kind === "pinned" ? [reference.digest] : []));
}

/** Flux keeps a history of releases, with the newest first. */
function chartDigest(release: KubernetesObject): string | undefined {
  const [newest] = listOf(mapOf(mapOf(release).status).history);
  const { ociDigest, status } = mapOf(newest);
  return status === "deployed" ? /sha256:[a-f0-9]{64}$/.exec(String(ociDigest))?.[0] : undefined;
}

/** The record after a new observation. It equals the previous record when nothing needs to be written. */
export function desiredSoakRecord(previous: SoakRecord, running: RunningDigests, nowMs: number): SoakRecord {
  const kept = Object.entries(previous).filter(
    ([digest, { seen }]) => !running.has(digest) && Math.abs(nowMs - Date.parse(seen)) <= SOAK_BREAK_MS,
  );
  const seen = [...running].map(([digest, sinceMs]): [string, SoakEntry] => [
    digest,
    entryOf(Object.hasOwn(previous, digest) ? previous[digest] : undefined, sinceMs, nowMs),
  ]);
  return Object.fromEntries(
    [...kept, ...seen]
      .sort(([a, { since: before }], [b, { since }]) => compare(before, since) || compare(a, b))
      .slice(0, MAX_DIGESTS),
  );
}

/**
 * The soak of a digest continues when the digest was seen a short time ago. It also continues when the digest has been
 * ready since the last observation, because the operator may have been stopped in between. A time in the future is from
 * before the clock was set back: the soak would otherwise last until the clock reaches it again.
 */
function entryOf(previous: SoakEntry | undefined, readySinceMs: number, nowMs: number): SoakEntry {
  const now = new Date(nowMs).toISOString();
  if (previous === undefined) return { since: now, seen: now };
  const seenMs = Date.parse(previous.seen);
  const goesOn = Math.min(nowMs, readySinceMs) - seenMs <= SOAK_BREAK_MS;
  if (!goesOn) return { since: now, seen: now };
  const isAhead = Date.parse(previous.since) > nowMs;
  if (!isAhead && Math.abs(nowMs - seenMs) < REFRESH_MS) return previous;
  return { since: isAhead ? now : previous.since, seen: now };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
