import { Agent, type RequestInit, fetch as undiciFetch } from "undici";

type Fetch = typeof fetch;

/**
 * A `fetch` for requests to the issuer. With `readAuthority`, TLS trusts only the certificates that it returns. They are read
 * each time, because the file that has them may change. Throws what `readAuthority` throws.
 */
export function createIssuerFetch(readAuthority: (() => string) | undefined): () => Fetch {
  if (readAuthority === undefined) return () => fetch;
  let current: { ca: string; agent: Agent } | undefined;
  return () => {
    const ca = readAuthority();
    if (current?.ca !== ca) {
      // An open connection was accepted by the earlier certificates.
      void current?.agent.close();
      current = { ca, agent: new Agent({ connect: { ca } }) };
    }
    const { agent } = current;
    const send = (input: string, init: RequestInit): Promise<unknown> =>
      undiciFetch(input, { ...init, dispatcher: agent });
    // Node's own `fetch` has the same form, but takes no dispatcher of another version of undici.
    return send as unknown as Fetch;
  };
}
