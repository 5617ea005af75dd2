import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { Logger } from "../logger.ts";
import { recordOf } from "../object.ts";
import { badRequest, notFound, notImplemented } from "../refusal.ts";
import { forwardedPort, isPortForward, type ResourceRequest } from "../request-info.ts";
import { StatusError } from "../status.ts";
import type { Store } from "../store.ts";
import type { Admission } from "../write/admission.ts";
import type { createGate } from "./request-handler.ts";

/** Opens a connection to a port of a Pod that runs. */
export type ConnectToPod = (pod: {
  namespace: string;
  name: string;
  address: string;
  port: number;
}) => Duplex;

/**
 * The one subprotocol that works here: each message begins with the number of its channel, 0 for the port's data and 1 for
 * its error. The first message of a channel is the port. kubectl uses another one, SPDY, over its WebSocket.
 */
const PROTOCOL = "v4.channel.k8s.io";
const DATA = 0;
const ERROR = 1;
/** Clients send small parts of a connection's data, so a larger message is refused. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

interface UpgradeDeps {
  admit: ReturnType<typeof createGate>;
  admission: Pick<Admission, "connect">;
  store: Store;
  connectToPod: ConnectToPod | undefined;
  logger: Logger;
}

/** Serves `pods/portforward` for one port. It refuses every other upgrade. */
export function createUpgradeHandler(deps: UpgradeDeps) {
  const { admit, admission, connectToPod, logger } = deps;
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: () => PROTOCOL,
  });

  async function serve(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { info, user } = await admit(request);
    if (info.kind === "path" || !isPortForward(info))
      throw badRequest("only pods/portforward can be upgraded to a WebSocket");
    if (connectToPod === undefined) throw notImplemented("pods/portforward");
    checkHandshake(request);
    const port = forwardedPort(info.query);
    const { namespace, name } = info;
    await admission.connect({ user, namespace, name, port });
    const pod = { namespace, name, port, address: addressOf(deps, info) };
    webSockets.handleUpgrade(request, socket, head, (client) => join(client, connectToPod(pod), port));
  }

  return (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // The client may disconnect before the handshake, when there is no other listener.
    socket.on("error", () => socket.destroy());
    serve(request, socket, head).catch((error: unknown) => {
      const isExpected = error instanceof StatusError;
      if (!isExpected) logger.error({ err: error, path: request.url }, "upgrade failed");
      refuse(socket, isExpected ? error : new StatusError(500, "InternalError", "Internal error occurred"));
    });
  };
}

function addressOf({ store }: UpgradeDeps, { namespace, name }: ResourceRequest): string {
  const pod = store.get("/pods", namespace, name);
  if (pod === undefined) throw notFound({ group: "", plural: "pods" }, name);
  const { phase, podIP } = recordOf(pod.status);
  if (phase !== "Running" || typeof podIP !== "string")
    throw badRequest(
      `unable to forward port because pod is not running. Current status=${phase ?? "Pending"}`,
    );
  return podIP;
}

function checkHandshake({ headers }: IncomingMessage): void {
  const { upgrade = "", "sec-websocket-key": key, "sec-websocket-protocol": protocols = "" } = headers;
  if (upgrade.toLowerCase() !== "websocket" || !key) throw badRequest("the upgrade must be to a WebSocket");
  if (!protocols.split(",").some((protocol) => protocol.trim() === PROTOCOL))
    throw badRequest(`this server forwards ports with the subprotocol ${PROTOCOL} only`);
}

function join(client: WebSocket, upstream: Duplex, port: number): void {
  const send = (channel: number, data: Uint8Array) =>
    client.send(Buffer.concat([Buffer.from([channel]), data]));
  // A message that violates the protocol causes an error, and the connection closes.
  client.on("error", () => upstream.destroy());
  client.on("close", () => upstream.destroy());
  client.on("message", (data: Buffer) => {
    if (data[0] === DATA && data.length > 1) upstream.write(data.subarray(1));
  });
  const portBytes = Buffer.from([port & 0xff, port >> 8]);
  for (const channel of [DATA, ERROR]) send(channel, portBytes);
  upstream.on("data", (data: Buffer) => send(DATA, data));
  upstream.on("end", () => client.close());
  upstream.on("error", (error: Error) => {
    send(ERROR, Buffer.from(`an error occurred forwarding ${port}: ${error.message}`));
    client.close();
  });
}

function refuse(socket: Duplex, error: StatusError): void {
  const body = `${JSON.stringify(error.toStatus())}\n`;
  socket.end(
    [
      `HTTP/1.1 ${error.code} ${error.reason || "Refused"}`,
      "Content-Type: application/json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "Connection: close",
      "",
      body,
    ].join("\r\n"),
  );
}
