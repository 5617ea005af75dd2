import { createServer, request, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Answer,
  ask,
  type Question,
  signToken,
  startBilling,
  type TestBilling,
} from "../../../support/builder/billing.ts";

let billing: TestBilling;
let gateway: Server;
let origins: { direct: string; behindGateway: string };
let admin: string;

/** Like the earlier gateway, passes requests below `/api` to billing without that prefix. */
beforeAll(async () => {
  billing = await startBilling();
  admin = await signToken("admin", "sovereign-admin");
  gateway = createServer((asked, answer) => {
    const path = asked.url ?? "";
    if (!path.startsWith("/api/")) return void answer.writeHead(404).end("the gateway's own");
    const to = request(
      new URL(billing.origin),
      { path: path.slice(4), method: asked.method, headers: asked.headers },
      (got) => {
        answer.writeHead(got.statusCode ?? 502, got.headers);
        got.pipe(answer);
      },
    );
    asked.pipe(to);
  });
  await new Promise<void>((done) => gateway.listen(0, "127.0.0.1", done));
  const { port } = gateway.address() as { port: number };
  origins = { direct: billing.origin, behindGateway: `http://127.0.0.1:${port}/api` };
});

afterAll(async () => {
  gateway.closeAllConnections();
  await new Promise((done) => gateway.close(done));
  await billing.close();
});

const REFUSED: [path: string, code: string, question: Question][] = [
  ["/billing/balance", "token_missing", {}],
  ["/billing/balance/", "token_missing", {}],
  ["/billing/vouchers/redeem-preview", "voucher_not_found", { body: { code: "NONE" } }],
  ["/billing/vouchers/revoke/A%2FB%2FC", "voucher_not_found", { method: "DELETE" }],
  ["/billing/vouchers/list?limit=a/b/c", "request_invalid", {}],
  ["/billing/admin/promos/NONE", "voucher_not_found", { method: "PUT", body: {} }],
  ["/billing/subscription/nobody", "tenant_not_found", {}],
  ["/nothing", "not_found", {}],
  ["/", "method_not_allowed", { method: "POST" }],
  ["/a/very/deep/path/to/nothing", "not_found", {}],
  ["/healthz", "method_not_allowed", { method: "DELETE" }],
];

describe("a problem's type", () => {
  it.each(
    REFUSED.flatMap(([path, code, question]) =>
      (["direct", "behindGateway"] as const).map((way) => [way, path, code, question] as const),
    ),
  )("links a problem to its entry in the errors page: %s from %s", async (way, path, code, question) => {
    const token = code === "token_missing" ? undefined : admin;
    const url = `${origins[way]}${path}`;
    const answer: Answer = await ask(origins[way], path, { token, ...question });
    expect(answer.json.code).toBe(code);
    const page = new URL(answer.json.type, url);
    expect(page.href).toBe(`${origins[way]}/billing/errors#${code}`);
    const shown = await fetch(page);
    expect([shown.status, (await shown.text()).includes(`id="${code}"`)]).toEqual([200, true]);
  });

  it("keeps a problem's type short for a very long path", async () => {
    const answer = await ask(origins.direct, "/".repeat(10_000));
    expect([answer.status, answer.json.type]).toEqual([404, "/billing/errors#not_found"]);
  });
});
