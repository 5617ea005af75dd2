import { writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

// A process of its own, so that the proxy and the measured processes do not share an event loop. It ends with its parent.
const [targetPort = 0, initialDelayMs = 0] = process.argv.slice(2).map(Number);
let delayMs = initialDelayMs;

/** How long the loop sleeps before it looks for new data. A time stamp can be late by as much. */
const SLICE_MS = 0.05;
const cell = new Int32Array(new SharedArrayBuffer(4));

let trips = 0;
let isPumping = false;
/** In the order of their due times, because all wait equally long. */
const held: { dueMs: number; send(): void }[] = [];

try {
  // By default, the kernel rounds sleeps up by 50 µs.
  writeFileSync("/proc/self/timerslack_ns", "1000");
} catch {
  // Without this, the delays are a little longer. The bench measures the real ones.
}

/** Sleeps without a timer, because timers count in whole milliseconds. */
function pump(): void {
  for (;;) {
    const [first] = held;
    if (first === undefined) {
      isPumping = false;
      return;
    }
    const restMs = first.dueMs - performance.now();
    if (restMs > 0) {
      Atomics.wait(cell, 0, 0, Math.min(restMs, SLICE_MS));
      break;
    }
    held.shift();
    first.send();
  }
  setImmediate(pump);
}

function hold(send: () => void): void {
  if (delayMs === 0) {
    send();
    return;
  }
  held.push({ dueMs: performance.now() + delayMs, send });
  if (isPumping) return;
  isPumping = true;
  pump();
}

const server = createServer({ noDelay: true }, (client: Socket) => {
  const target = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
  let isAnswered = true;
  // Delays only the request, by the whole round trip: the client waits as long, and the proxy does half the work.
  client.on("data", (chunk) => {
    isAnswered = false;
    hold(() => target.write(chunk));
  });
  target.on("data", (chunk) => {
    if (!isAnswered) trips += 1;
    isAnswered = true;
    client.write(chunk);
  });
  client.on("close", () => hold(() => target.destroy()));
  target.on("close", () => client.destroy());
  client.on("error", () => {});
  target.on("error", () => {});
});

server.listen({ host: "127.0.0.1", port: 0 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.on("message", (message: { delayMs?: number }) => {
  delayMs = message.delayMs ?? delayMs;
  process.send?.({ trips });
});
process.on("disconnect", () => process.exit());
