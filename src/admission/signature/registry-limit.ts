import { createSemaphore, type Semaphore, SemaphoreFull } from "../../platform/semaphore.ts";
import { RegistryError, type RegistryRequest } from "./registry-request.ts";

/** A verification sends about six requests. */
const PER_HOST = { permits: 16, maxWaiting: 200 };
const TOTAL = { permits: 128, maxWaiting: 1_000 };

/**
 * Bounds the requests that wait for registries. Users choose the hosts, and a host that never answers must neither block
 * requests to other hosts nor fill the memory. Requests beyond the bound are refused at once.
 */
export function limitRegistryRequests(request: RegistryRequest): RegistryRequest {
  const total = createSemaphore(TOTAL);
  /** Hosts with requests under way. */
  const hosts = new Map<string, { semaphore: Semaphore; users: number }>();

  return async function send(at, path, exchange) {
    const { signal } = exchange;
    const host = hosts.get(at.host) ?? { semaphore: createSemaphore(PER_HOST), users: 0 };
    hosts.set(at.host, host);
    host.users += 1;
    try {
      return await host.semaphore.run(() => total.run(() => request(at, path, exchange), { signal }), {
        signal,
      });
    } catch (error) {
      if (error instanceof SemaphoreFull)
        throw new RegistryError(`${at.host}: too many requests wait already`, { cause: error });
      throw error;
    } finally {
      host.users -= 1;
      if (host.users === 0) hosts.delete(at.host);
    }
  };
}
