import type { ObjectMeta } from "../object.ts";
import type { Store } from "../store.ts";

const LIFE_MS = 60 * 60_000;
const INTERVAL_MS = 60_000;

/** Deletes Events one hour after their last change. */
export function startEventExpiry({
  store,
  now,
  signal,
}: {
  store: Store;
  now: () => Date;
  signal: AbortSignal;
}): void {
  const timer = setInterval(() => {
    for (const { metadata } of [...store.list("/events")])
      if (now().getTime() - changedAt(metadata) > LIFE_MS)
        store.remove("/events", metadata.namespace ?? "", metadata.name);
  }, INTERVAL_MS);
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}

/** By this server's clock. The times in an Event itself are its client's, whose clock may be wrong. */
const changedAt = ({ creationTimestamp, managedFields = [] }: ObjectMeta): number =>
  Math.max(
    ...[creationTimestamp, ...managedFields.map(({ time }) => time)].map((time) =>
      Date.parse(time ?? "1970-01-01"),
    ),
  );
