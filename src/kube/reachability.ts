import type { KubeClient } from "./client.ts";
import { isUnreachable } from "./error.ts";

/** Throws when the API server does not answer. Otherwise each of many requests would wait for its timeout. */
export async function requireReachable(client: Pick<KubeClient, "request">): Promise<void> {
  try {
    await client.request({ method: "GET", path: "/version" });
  } catch (error) {
    if (isUnreachable(error)) throw error;
  }
}
