import { connect, createServer, type Server, type Socket } from "node:net";
import type { Informer } from "../../kube/informer.ts";
import type { Pod } from "./pod.ts";

/** Gives Services an address on 127.0.0.1, as a node port would: TCP, to the ready Pods in turn. */
export interface ServiceProxy {
  /** The same port every time for the same Service, unless somebody took it meanwhile. */
  urlOf(namespace: string, selector: Record<string, string>, port: number): Promise<string>;
  close(): Promise<void>;
}

export function createServiceProxy(pods: Informer<Pod>, firstPort: number): ServiceProxy {
  const servers = new Map<string, { server: Server; port: number }>();
  const sockets = new Set<Socket>();
  let nextPort = firstPort;

  function listen(server: Server): Promise<number> {
    return new Promise((resolve, reject) => {
      const tryNext = () => {
        const port = nextPort++;
        server.once("error", (error: NodeJS.ErrnoException) =>
          error.code === "EADDRINUSE" && port < firstPort + 100 ? tryNext() : reject(error),
        );
        server.listen(port, "127.0.0.1", () => resolve(port));
      };
      tryNext();
    });
  }

  function ready(namespace: string, selector: Record<string, string>): string[] {
    return pods
      .list()
      .filter(
        ({ metadata, status }) =>
          metadata.namespace === namespace &&
          metadata.deletionTimestamp === undefined &&
          status?.podIP !== undefined,
      )
      .filter(({ metadata }) =>
        Object.entries(selector).every(([name, value]) => metadata.labels?.[name] === value),
      )
      .filter(({ status }) =>
        status?.conditions?.some(({ type, status: holds }) => type === "Ready" && holds === "True"),
      )
      .map(({ status }) => status?.podIP ?? "");
  }

  return {
    async urlOf(namespace, selector, port) {
      const key = `${namespace} ${JSON.stringify(selector)} ${port}`;
      const known = servers.get(key);
      if (known !== undefined) return `http://127.0.0.1:${known.port}`;
      let turn = 0;
      const server = createServer((client) => {
        const addresses = ready(namespace, selector);
        const host = addresses[turn++ % Math.max(1, addresses.length)];
        if (host === undefined) return client.destroy();
        const upstream = connect({ host, port });
        for (const [socket, other] of [
          [client, upstream],
          [upstream, client],
        ] as const) {
          sockets.add(socket);
          socket.on("error", () => other.destroy());
          socket.on("close", () => {
            sockets.delete(socket);
            other.destroy();
          });
        }
        client.pipe(upstream).pipe(client);
      });
      const listening = { server, port: await listen(server) };
      servers.set(key, listening);
      return `http://127.0.0.1:${listening.port}`;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await Promise.all(
        [...servers.values()].map(({ server }) => new Promise((resolve) => server.close(resolve))),
      );
    },
  };
}
