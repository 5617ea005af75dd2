import { connect, createServer, type Server, type Socket } from "node:net";
import type { Informer } from "../../kube/informer.ts";
import type { Pod } from "./pod.ts";

/** Gives Services an address on 127.0.0.1, as a node port would: TCP, to the ready Pods in turn. */
export interface ServiceProxy {
  /** The same port every time for the same Service, unless somebody took it meanwhile. */
  urlOf(namespace: string, selector: Record<string, string>, port: number): Promise<string>;
  close(): Promise<void>;
}

interface Listening {
  server: Server;
  url: string;
}

const PORTS_TRIED = 100;

export function createServiceProxy(pods: Pick<Informer<Pod>, "list">, firstPort: number): ServiceProxy {
  const servers = new Map<string, Promise<Listening>>();
  const sockets = new Set<Socket>();
  let nextPort = firstPort;

  async function listen(onClient: (client: Socket) => void): Promise<Listening> {
    for (;;) {
      const port = nextPort++;
      try {
        // A server that could not listen is not tried again: its old listeners would answer for the next port too.
        return { server: await listenOn(port, onClient), url: `http://127.0.0.1:${port}` };
      } catch (error) {
        const isTaken = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
        if (!isTaken || port >= firstPort + PORTS_TRIED) throw error;
      }
    }
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
      let turn = 0;
      const listening =
        servers.get(key) ??
        listen((client) => {
          const addresses = ready(namespace, selector);
          const host = addresses[turn++ % Math.max(1, addresses.length)];
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
        all.map((it) => it.status === "fulfilled" && new Promise((end) => it.value.server.close(end))),
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
