import type { KubeClient } from "./client.ts";
import { KubeError } from "./error.ts";

/**
 * The client for whoever leads: reads as ever, and refuses to begin a write once the lead is lost, also in a process
 * that was frozen in the middle of its work and does not know yet how late it is.
 */
export function fenceClient(client: KubeClient, isLeading: () => boolean): KubeClient {
  function fenced<Args extends unknown[], Answer>(write: (...args: Args) => Promise<Answer>) {
    return async (...args: Args): Promise<Answer> => {
      if (!isLeading())
        throw new KubeError("this process no longer leads: nothing was written", {
          status: 0,
          reason: "NotLeading",
        });
      return write(...args);
    };
  }
  return {
    ...client,
    create: fenced(client.create) as KubeClient["create"],
    replace: fenced(client.replace) as KubeClient["replace"],
    apply: fenced(client.apply) as KubeClient["apply"],
    mergePatch: fenced(client.mergePatch) as KubeClient["mergePatch"],
    delete: fenced(client.delete),
    createToken: fenced(client.createToken),
    request: (raw) => (raw.method === "GET" ? client.request(raw) : fenced(client.request<never>)(raw)),
  };
}
