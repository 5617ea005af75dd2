import { isForbidden } from "../../kube/error.ts";
import { errorMessage } from "../../platform/errors.ts";

/** What preflight looked at. `unknown`: it could not tell, and the message says why. */
export interface Check {
  area: "versions" | "names" | "rights" | "identity" | "certificates" | "databases";
  state: "ok" | "problem" | "unknown";
  message: string;
  /** What to do about a problem, or about what it could not tell. */
  remedy?: string;
}

/** The checks of one area. What cannot be read is no reason to leave out the other areas. */
export async function checksOf(area: Check["area"], look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    const remedy = isForbidden(error)
      ? "run it again as someone who may read this"
      : "run it again when the API server answers";
    return [{ area, state: "unknown", message: errorMessage(error), remedy }];
  }
}

const STATES = { ok: "ok", problem: "problem", unknown: "cannot tell" } as const;

/** A line for each check, with the remedy below it. */
export function describeChecks(checks: readonly Check[]): string[] {
  return checks.flatMap(({ area, state, message, remedy }) => [
    `${STATES[state].padEnd(12)} ${area.padEnd(13)} ${message}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(27)}${remedy}`]),
  ]);
}
