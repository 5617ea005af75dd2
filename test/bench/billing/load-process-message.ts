import type { LoadResult } from "../load.ts";
import type { Scenario } from "./scenario.ts";

export interface LoadRequest {
  scenario: Scenario;
  port: number;
  maxMs: number;
}

export interface GeneratedLoad extends LoadResult {
  /** How late the event loop of the process that sends was: every answer may have waited so long there. */
  generator: { p99Ms: number; maxMs: number };
}

/** More than either side can do: the time ends a measurement, this bounds what is prepared for it. */
export const MAX_PER_SECOND = { checkout: 8_000, preview: 40_000 };
