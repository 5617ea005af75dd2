import { readFileSync } from "node:fs";
import { answerMessages } from "../helper-answer.ts";
import { type HttpConnection, openTlsConnection, requestOf } from "../http-connection.ts";
import { drive } from "../load.ts";
import type { LoadAnswer, LoadRequest, SentReview } from "./load-process-message.ts";

// The clients of the webhook. They are a process of their own, so that the webhook does not share its event loop with them.
// Requests are built before the clock starts.
let connections: HttpConnection[] = [];
let reviews: (Omit<SentReview, "review"> & { bytes: Buffer })[] = [];

const ALLOWED = '"allowed":true';

async function answer(message: LoadRequest): Promise<LoadAnswer> {
  if (message.kind === "open") {
    const sent = JSON.parse(readFileSync(message.file, "utf8")) as SentReview[];
    reviews = sent.map(({ review, ...expected }) => ({
      ...expected,
      bytes: requestOf("POST", message.path, { body: review }),
    }));
    connections = await Promise.all(
      Array.from({ length: message.clients }, (_, client) =>
        openTlsConnection(message.ports[client % message.ports.length] ?? 0),
      ),
    );
    return { kind: "ready" };
  }
  if (message.kind === "close") {
    for (const connection of connections.splice(0)) connection.close();
    return { kind: "ready" };
  }
  const result = await drive({
    ...message.load,
    clients: connections.length,
    async send(index, client) {
      const review = reviews[(message.load.first + index) % reviews.length];
      if (review === undefined) throw new Error("no reviews to send");
      const { status, body } = (await connections[client]?.send(review.bytes)) ?? {};
      if (status === 503 && review.mayTimeOut === true) return;
      if (status !== 200 || body?.includes(ALLOWED) !== review.isAllowed)
        throw new Error(`${review.name}: the webhook answered ${status} ${body?.slice(0, 1_000)}`);
    },
  });
  return { kind: "measured", result };
}

answerMessages(answer);
