import { isForbidden } from "../../kube/error.ts";
import { errorMessage } from "../../platform/errors.ts";

/** The result of one check. `unknown`: preflight could not decide, and the message says why. */
export interface Check {
  area: "versions" | "names" | "rights" | "identity" | "certificates" | "databases";
  state: "ok" | "problem" | "unknown";
  message: string;
  /** The remedy for a problem, or the way to decide an unknown result. */
  remedy?: string;
}

/** Runs the checks of one area. When one cannot be read, the other areas are still checked. */
export async function checksOf(area: Check["area"], look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    const remedy = isForbidden(error)
      ? "run it again as a user who may read this"
      : "run it again when the API server answers";
    return [{ area, state: "unknown", message: errorMessage(error), remedy }];
  }
}
