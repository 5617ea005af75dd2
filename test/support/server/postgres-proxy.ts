import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP proxy before PostgreSQL. While disconnected it resets open connections and refuses new ones, as a failed network does. */
export async function createPostgresProxy(databaseUrl: string) {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isConnected = true;
  let answersLeft = Number.POSITIVE_INFINITY;
  let hangsAtEnd = false;
  const server: Server = createServer({ allowHalfOpen: true }, (client) => {
    if (!isConnected) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (chunk: Buffer) => {
      if (!(hangsAtEnd && isTerminate(chunk))) upstream.write(chunk);
    });
    client.on("end", () => {
      if (!hangsAtEnd) upstream.end();
    });
    const countAnswers = createAnswerCounter();
    upstream.on("data", (chunk: Buffer) => {
      answersLeft -= countAnswers(chunk);
      if (answersLeft > 0) return void client.write(chunk);
      answersLeft = Number.POSITIVE_INFINITY;
      client.resetAndDestroy();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const url = new URL(databaseUrl);
  url.port = String((server.address() as { port: number }).port);
  const disconnect = () => {
    isConnected = false;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    disconnect,
    reconnect: () => {
      isConnected = true;
    },
    /**
     * Resets a connection instead of sending the n-th answer from now on. The statement has taken effect. A login counts as
     * a statement.
     */
    loseAnswer(n: number) {
      answersLeft = n;
    },
    /** Whether an answer will still be lost. */
    isArmed: () => Number.isFinite(answersLeft),
    disarm: () => {
      answersLeft = Number.POSITIVE_INFINITY;
    },
    /** From now on, a client that ends its connection gets no answer, and the connection stays open. */
    hangAtEnd() {
      hangsAtEnd = true;
    },
    close: () => {
      disconnect();
      server.close();
    },
  };
}

/** The last message of a client. */
const isTerminate = (chunk: Buffer): boolean => chunk.length === 5 && chunk[0] === "X".charCodeAt(0);

/** Counts the `ReadyForQuery` messages of one connection: one ends each answer. */
function createAnswerCounter(): (chunk: Buffer) => number {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    let answers = 0;
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const length = rest.length < 5 ? Number.POSITIVE_INFINITY : rest.readInt32BE(1) + 1;
      if (rest.length < length) return answers;
      if (rest[0] === "Z".charCodeAt(0)) answers += 1;
      rest = rest.subarray(length);
    }
  };
}
