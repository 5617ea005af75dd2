import type { LoadResult } from "../load.ts";
import type { Scenario } from "./scenario.ts";

export interface LoadRequest {
  scenario: Scenario;
  port: number;
  maxMs: number;
}

export interface GeneratedLoad extends LoadResult {
  /** The delay of the sending process's event loop. Each measured latency may contain it. */
  generator: { p99Ms: number; maxMs: number };
}

/** Limits the requests that are prepared for a measurement. No side reaches it, so the time ends a measurement. */
export const MAX_PER_SECOND = { checkout: 8_000, preview: 40_000 };
