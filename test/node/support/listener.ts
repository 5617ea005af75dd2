import type { Server } from "node:http";

export interface Listener {
  /** Also closes open connections. */
  close(): Promise<void>;
}

export async function listen(server: Server, port: number, host: string): Promise<Listener> {
  await new Promise<void>((done, fail) => server.once("error", fail).listen(port, host, done));
  return {
    close() {
      server.closeAllConnections();
      return new Promise((done) => server.close(() => done()));
    },
  };
}
