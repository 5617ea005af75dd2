import { connect, createServer, type Server, type Socket } from "node:net";
import type { Informer } from "../../kube/informer.ts";
import type { Pod } from "./pod.ts";

/** Gives each Service a TCP port on 127.0.0.1, like a node port. Connections go to the ready Pods in turn. */
export interface ServiceProxy {
  /** Returns the same URL each time for the same Service. */
  urlOf(namespace: string, selector: Record<string, string>, port: number): Promise<string>;
  close(): Promise<void>;
}

interface Listening {
  server: Server;
  url: string;
}

const MAX_PORTS_TRIED = 100;

export function createServiceProxy(pods: Pick<Informer<Pod>, "list">, firstPort: number): ServiceProxy {
  const servers = new Map<string, Promise<Listening>>();
  const sockets = new Set<Socket>();
  let nextPort = firstPort;

  async function listen(onClient: (client: Socket) => void): Promise<Listening> {
    for (;;) {
      const port = nextPort++;
      try {
        // Each port gets a new server: one that failed to listen still has the listeners of its first attempt.
        return { server: await listenOn(port, onClient), url: `http://127.0.0.1:${port}` };
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
        if (!isTaken || port >= firstPort + MAX_PORTS_TRIED) throw error;
      }
    }
  }

  function readyAddresses(namespace: string, selector: Record<string, string>): string[] {
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
        status?.conditions?.some(({ type, status: ready }) => type === "Ready" && ready === "True"),
      )
      .map(({ status }) => status?.podIP ?? "");
  }

  return {
    async urlOf(namespace, selector, port) {
      const key = `${namespace} ${JSON.stringify(selector)} ${port}`;
      let connections = 0;
      const listening =
        servers.get(key) ??
        listen((client) => {
          const addresses = readyAddresses(namespace, selector);
          const host = addresses[connections++ % Math.max(1, addresses.length)];
          if (host === undefined) client.destroy();
          else join(client, connect({ host, port }));
        });
      servers.set(key, listening);
      return (await listening).url;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      const all = await Promise.allSettled(servers.values());
      await Promise.all(
        all.map(
          (result) => result.status === "fulfilled" && new Promise((end) => result.value.server.close(end)),
        ),
      );
    },
  };

  function join(client: Socket, upstream: Socket): void {
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
  }
}

function listenOn(port: number, onClient: (client: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(onClient);
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => {
      server.off("error", reject);
      resolve(server);
    });
  });
}
