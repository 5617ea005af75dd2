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
    for (const event of [...store.list("/events")]) {
      const { creationTimestamp, namespace = "", name } = event.metadata;
      const seen = Date.parse(String(event.lastTimestamp ?? event.eventTime ?? creationTimestamp));
      if (now().getTime() - seen > LIFE_MS) store.remove("/events", namespace, name);
    }
  }, INTERVAL_MS);
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
