import type { RequestListener } from "node:http";
import type { TLSSocket } from "node:tls";

interface Refusal {
  status: 401 | 403;
  error: string;
}

/**
 * Answers only clients with a certificate of the configured CA, so that only the API server can find out what admission
 * would decide. `names` are the common names that are accepted. An empty list accepts every name.
 */
export function requireClientCertificate(
  handler: RequestListener,
  names: readonly string[],
): RequestListener {
  const refusals = new WeakMap<object, Refusal | "none">();

  function refusalOf(socket: TLSSocket): Refusal | "none" {
    if (!socket.authorized)
      return { status: 401, error: "present a client certificate of the CA in --webhook-client-ca-file" };
    const name = String(socket.getPeerCertificate().subject?.CN ?? "");
    return names.length === 0 || names.includes(name)
      ? "none"
      : { status: 403, error: "the name of the client certificate is not in --webhook-client-names" };
  }

  return (request, response) => {
    const socket = request.socket as TLSSocket;
    const refusal = refusals.get(socket) ?? refusalOf(socket);
    refusals.set(socket, refusal);
    if (refusal === "none") return handler(request, response);
    response.writeHead(refusal.status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ error: refusal.error }));
  };
}
