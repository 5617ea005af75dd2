import { boundedFetch } from "../../platform/bounded-fetch.ts";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { sleep } from "../../platform/shutdown.ts";

/** Notifies the operator that the outbox has events for it. */
export interface OrderNotice {
  /** Call it after the commit. It returns at once. */
  placed(): void;
  /** Sends notices until the signal fires. */
  run(signal: AbortSignal): Promise<void>;
}

/** The operator answers when it has delivered the events, so this is longer than one pass over an outbox takes. */
const ANSWER_MS = 15_000;
const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 30_000;

/**
 * A notice is repeated until the operator answers that it delivered the events. The first notice is sent at the start,
 * because a process that ended after a commit may have left events behind. Orders that are placed while a notice is being
 * sent share the next one.
 */
export function createOrderNotice(deps: {
  /** The address of the operator's endpoint. */
  url: () => string;
  /** The FQDN of the Sovereign. */
  sovereign: string;
  logger: Logger;
  fetch?: typeof fetch;
}): OrderNotice {
  const { url, sovereign, logger, fetch } = deps;
  let isDue = true;
  let wake = Promise.withResolvers<void>();

  async function send(signal: AbortSignal): Promise<void> {
    const target = new URL(url());
    target.searchParams.set("sovereign", sovereign);
    const { status } = await boundedFetch(target.href, {
      method: "POST",
      timeoutMs: ANSWER_MS,
      signal,
      maxBytes: 4_096,
      ...(fetch === undefined ? {} : { fetch }),
    });
    if (status >= 300) throw new Error(`the operator answered ${status}`);
  }

  return {
    placed() {
      isDue = true;
      wake.resolve();
    },

    async run(signal) {
      let backOffMs = FIRST_BACK_OFF_MS;
      const onAbort = () => wake.resolve();
      signal.addEventListener("abort", onAbort, { once: true });
      while (!signal.aborted) {
        if (!isDue) {
          await wake.promise;
          wake = Promise.withResolvers();
          continue;
        }
        isDue = false;
        try {
          await send(signal);
          backOffMs = FIRST_BACK_OFF_MS;
        } catch (error) {
          if (signal.aborted) break;
          isDue = true;
          // One line for each outage, not one for each attempt.
          if (backOffMs === FIRST_BACK_OFF_MS)
            logger.warn(
              { reason: errorMessage(error) },
              "the operator did not take the notice of an order: repeating it",
            );
          await sleep(backOffMs * (0.75 + Math.random() / 2), signal);
          backOffMs = Math.min(backOffMs * 2, MAX_BACK_OFF_MS);
        }
      }
      signal.removeEventListener("abort", onAbort);
    },
  };
}

export function parseOrderNotice(json: unknown): string {
  const { url } = (json ?? {}) as { url?: unknown };
  if (typeof url !== "string" || !/^https?:$/.test(URL.parse(url)?.protocol ?? ""))
    throw new Error("`url` must be an http or https URL");
  return url;
}
