import { connect, createServer, type Socket } from "node:net";

/** A TCP proxy before one server at a time. */
export interface TcpProxy {
  port: number;
  /** Resets open connections and refuses new ones, as a failed network does. */
  disconnect(): void;
  /** Accepts connections and sends nothing, as a network that drops packets does. Open connections stay silent. */
  hang(): void;
  /** Forwards to this server from now on. Closes open connections. */
  lead(port: number): void;
  close(): Promise<void>;
}

/** A proxy to the database of `url` at the address `::1`, and the URL of the database through it. */
export async function proxyByIpv6(url: string): Promise<{ url: string; proxy: TcpProxy }> {
  const proxied = new URL(url);
  const proxy = await createTcpProxy(Number(proxied.port), "::1");
  proxied.host = `[::1]:${proxy.port}`;
  return { url: proxied.href, proxy };
}

/** `host`: the address to listen on. The servers are on 127.0.0.1. */
export async function createTcpProxy(firstPort: number, host = "127.0.0.1"): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let target: number | "refuse" | "hang" = firstPort;
  function follow(socket: Socket, other?: Socket): void {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      other?.destroy();
    });
  }
  const server = createServer((client) => {
    if (target === "refuse") return void client.destroy();
    if (target === "hang") return follow(client);
    const upstream = connect(target, "127.0.0.1");
    follow(client, upstream);
    follow(upstream, client);
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((done) => server.listen(0, host, done));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as { port: number }).port,
    disconnect() {
      target = "refuse";
      cut();
    },
    hang() {
      target = "hang";
      for (const socket of sockets) socket.unpipe().pause();
    },
    lead(port) {
      target = port;
      cut();
    },
    close: () =>
      new Promise((done) => {
        cut();
        server.close(() => done());
      }),
  };
}
