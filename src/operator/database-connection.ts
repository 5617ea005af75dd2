import type pg from "pg";
import { settledWithin } from "../platform/shutdown.ts";

const CLOSE_MS = 1_000;

/** Closes a connection, also when the server or a pooler hangs and does not close its side. Never rejects. */
export async function closeConnection(client: pg.Client): Promise<void> {
  await settledWithin(CLOSE_MS, client.end());
  client.connection.stream.destroy();
}
