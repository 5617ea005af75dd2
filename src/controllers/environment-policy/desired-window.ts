import { type ChangeWindow, windowAt } from "../../admission/rules/change-window.ts";
import type { EnvironmentPolicy, EnvironmentPolicyStatus } from "../../api/environment-policy.ts";

/** Times are milliseconds since the epoch. */
interface Window {
  opensAtMs: number;
  closesAtMs: number;
}

/**
 * The search ends after this many windows, because those of two rules may never overlap. It then takes 0.2 s, as measured
 * on 2 cores.
 */
const MAX_WINDOWS = 1_000;
/** How long the result of a search that found no window is valid. */
const NOTHING_FOUND_MS = 24 * 3_600_000;

/**
 * The window that was found for a cached policy, and the time during which it is valid. It is needed at each event of a
 * namespace.
 */
const found = new WeakMap<
  EnvironmentPolicy["spec"],
  { sinceMs: number; untilMs: number; window: Window | undefined }
>();

/** The present or next time during which all change windows are open; undefined when there is none. */
export function desiredWindow(
  spec: EnvironmentPolicy["spec"],
  nowMs: number,
): EnvironmentPolicyStatus["window"] {
  const window = nextWindow(spec, nowMs);
  if (window === undefined) return undefined;
  const { opensAtMs, closesAtMs } = window;
  return {
    ...(opensAtMs === nowMs ? {} : { opensAt: new Date(opensAtMs).toISOString() }),
    closesAt: new Date(closesAtMs).toISOString(),
  };
}

function nextWindow(spec: EnvironmentPolicy["spec"], nowMs: number): Window | undefined {
  const known = found.get(spec);
  if (known !== undefined && known.sinceMs <= nowMs && nowMs < known.untilMs) return known.window;
  const windows = spec.rules.flatMap(({ "change-window": window }) => (window === undefined ? [] : [window]));
  const window = findWindow(windows, nowMs);
  // Until the window opens, no other one can come first. Once it is open, its end may move.
  found.set(spec, { sinceMs: nowMs, untilMs: window?.opensAtMs ?? nowMs + NOTHING_FOUND_MS, window });
  return window;
}

function findWindow(windows: readonly ChangeWindow[], nowMs: number): Window | undefined {
  if (windows.length === 0) return undefined;
  let atMs = nowMs;
  for (let looked = 0; looked < MAX_WINDOWS; looked += 1) {
    const states = windows.map((window) => windowAt(window, atMs));
    if (states.some(({ kind }) => kind === "invalid")) return undefined;
    const opens = states.flatMap((state) => (state.kind === "closed" ? [state.opensAtMs] : []));
    if (opens.length === 0) {
      const closes = states.flatMap((state) => (state.kind === "open" ? [state.closesAtMs] : []));
      return { opensAtMs: atMs, closesAtMs: Math.min(...closes) };
    }
    atMs = Math.max(...opens);
  }
  return undefined;
}
