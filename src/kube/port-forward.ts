import { Duplex } from "node:stream";
import type { KubeConfig } from "@kubernetes/client-node";
import { Agent, type Dispatcher, fetch, WebSocket } from "undici";
import { errorMessage } from "../platform/errors.ts";
import { type Connection, createConnection } from "./connection.ts";
import { KubeError } from "./error.ts";
import { openExchange } from "./exchange.ts";
import { type ObjectKey, PODS, pathOf } from "./resource.ts";

/** The subprotocol without SPDY: each message begins with the number of its channel. */
const PROTOCOL = "v4.channel.k8s.io";
const DATA = 0;
const ERROR = 1;
const REFUSAL_TIMEOUT_MS = 10_000;
/** Statuses that concern the person or the Pod. Any other status only means that the request was no upgrade. */
const REFUSED = [0, 401, 403, 404];

/** Sends requests to a port of a Pod, through the API server and the Pod's kubelet. */
export interface PodPort {
  fetch: typeof globalThis.fetch;
  close(): Promise<void>;
}

/**
 * Needs `get` and `create` on `pods/portforward` in the Pod's namespace. The data is encrypted up to the Pod's node, and
 * goes to this Pod only. Each connection opens its own WebSocket.
 */
export function openPodPort(kubeConfig: KubeConfig, pod: ObjectKey, port: number): PodPort {
  const connection = createConnection(kubeConfig);
  const path = pathOf(PODS, pod, "portforward");
  const url = new URL(`${path}?ports=${port}`, connection.server);
  url.protocol = url.protocol.replace("http", "ws");
  const agent = new Agent({
    connect(_, callback) {
      connection
        .authenticate()
        .then(({ headers, dispatcher }) =>
          openStream(new WebSocket(url, { protocols: [PROTOCOL], headers, dispatcher })),
        )
        .catch(async (error: Error) => {
          throw (await refusalOf(connection, path, port)) ?? error;
        })
        .then(
          (stream) => callback(null, stream as never),
          (error: Error) => callback(error, null),
        );
    },
  });
  return {
    // undici and Node's own fetch have different types for the same function.
    fetch: ((input: string, init: object) =>
      fetch(input, { ...init, dispatcher: agent as Dispatcher })) as unknown as typeof globalThis.fetch,
    async close() {
      await agent.destroy();
      await connection.close();
    },
  };
}

/**
 * Finds out why a WebSocket was refused, because the WebSocket does not show the answer. The same request without the
 * upgrade is refused for the same reason.
 */
async function refusalOf(connection: Connection, path: string, port: number): Promise<KubeError | undefined> {
  const signal = AbortSignal.timeout(REFUSAL_TIMEOUT_MS);
  try {
    await openExchange(connection, "catalyst", { method: "GET", path, query: { ports: port }, signal });
    return undefined;
  } catch (error) {
    return error instanceof KubeError && REFUSED.includes(error.status) ? error : undefined;
  }
}

/** The bytes of the port, once the WebSocket is open. */
function openStream(socket: WebSocket): Promise<Duplex> {
  socket.binaryType = "arraybuffer";
  /** Channels whose first message has arrived. That message only repeats the port. */
  const begun = new Set<number>();
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array, _, done) {
      socket.send(Buffer.concat([Buffer.from([DATA]), chunk]));
      done();
    },
    destroy(error, done) {
      socket.close();
      done(error);
    },
  });
  socket.addEventListener("message", ({ data }) => {
    const message = Buffer.from(data as ArrayBuffer);
    const channel = message[0] ?? DATA;
    if (!begun.has(channel)) begun.add(channel);
    else if (channel === ERROR) stream.destroy(new Error(message.toString("utf8", 1)));
    else stream.push(message.subarray(1));
  });
  socket.addEventListener("close", () => stream.push(null));
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(stream));
    socket.addEventListener("error", ({ message, error }) =>
      reject(new Error(`the API server opens no connection to the Pod: ${errorMessage(error ?? message)}`)),
    );
  });
}
