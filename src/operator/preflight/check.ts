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
