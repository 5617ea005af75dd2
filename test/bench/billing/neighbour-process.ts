import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

// The catalog and the tenant service that both sides call. They are a process of their own, as on a Sovereign. It ends with its
// parent.
const ANSWERS: Record<string, unknown> = {
  "/catalog/plans": [
    { id: "small", name: "Small", price_omr: 9, stripe_price_id: "price_small" },
    { id: "large", name: "Large", price_omr: 60, stripe_price_id: "price_large" },
  ],
  "/catalog/addons": [{ id: "backup", price_omr: 1.5 }],
  "/catalog/apps": [{ id: "wordpress" }],
};

const server = createServer((request, response) => {
  const path = request.url ?? "";
  const body = JSON.stringify(ANSWERS[path] ?? { id: path.split("/").at(-1), subdomain: "shop" });
  response.writeHead(200, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) });
  response.end(body);
});
server.keepAliveTimeout = 120_000;
server.listen({ host: "127.0.0.1", port: 0 }, () =>
  process.send?.({ port: (server.address() as AddressInfo).port }),
);
process.on("disconnect", () => process.exit());
