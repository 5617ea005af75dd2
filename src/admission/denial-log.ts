import { setNewest } from "../platform/bounded-map.ts";
import type { Logger } from "../platform/log.ts";
import { isRecent } from "../platform/recent.ts";
import type { Violation } from "./rules/fact.ts";
import type { AdmissionInput } from "./rules/request.ts";

/** Controllers retry a denied request every few seconds, for days. */
const REPEAT_MS = 60_000;
/**
 * Users choose names, so the number of stored denials is bounded. The oldest are dropped, and are logged again when they
 * repeat.
 */
const MAX_STORED = 2_000;

export type DenialLog = (input: AdmissionInput, violations: readonly Violation[]) => void;

/**
 * Logs a denial. Logs the same denial again only after a minute, with the number of repeats in between. The metrics count
 * every one.
 */
export function createDenialLog(logger: Logger, now: () => number = () => performance.now()): DenialLog {
  const logged = new Map<string, { atMs: number; repeats: number }>();

  return function logDenial(input, violations) {
    const { user, operation, resource, subresource, namespace, name } = input;
    const denial = {
      ...{ user: user.username, operation, resource, ...(subresource === "" ? {} : { subresource }) },
      ...{ name, namespace, rules: violations.map(({ rule }) => rule) },
    };
    const key = JSON.stringify(denial);
    const last = logged.get(key);
    if (last !== undefined && isRecent(last.atMs, now(), REPEAT_MS)) {
      last.repeats += 1;
      return;
    }
    setNewest(logged, key, { atMs: now(), repeats: 0 }, MAX_STORED);
    logger.info(last === undefined ? denial : { ...denial, repeats: last.repeats }, "request denied");
  };
}
