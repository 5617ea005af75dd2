import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createEarlierSequence } from "./earlier-sequence.ts";
import { createLibPqPool } from "./lib-pq.ts";

// The earlier service's preview behind Node's plain HTTP server: no framework, log, metric, limit or check. The process ends
// with its parent.
const [databaseUrl = ""] = process.argv.slice(2);
const sequence = createEarlierSequence({ pool: createLibPqPool(databaseUrl), neighbourPort: 0 });

const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", async () => {
    const { code } = JSON.parse(Buffer.concat(chunks).toString("utf8")) as { code: string };
    const isFound = await sequence.preview(code);
    const body = JSON.stringify(isFound ? { code, credit_omr: 9 } : { error: "not found" });
    response.writeHead(isFound ? 200 : 404, {
      "Content-Type": "application/json",
      "Content-Length": Buffer.byteLength(body),
    });
    response.end(body);
  });
});
server.listen({ host: "127.0.0.1", port: 0 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.on("disconnect", () => process.exit());
