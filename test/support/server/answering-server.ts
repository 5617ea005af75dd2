import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface AnsweringServer {
  origin: string;
  /** The requested paths, oldest first. */
  asked: string[];
  /** With `isSilent`, the request gets no answer until the server closes. */
  answers: Record<
    string,
    { status?: number; body?: unknown; headers?: Record<string, string>; isSilent?: boolean }
  >;
  close(): Promise<void>;
}

/**
 * Another service over HTTP. It answers by path, and with 404 on every other path. A `body` that is a text is sent
 * unchanged.
 */
export async function startAnsweringServer(): Promise<AnsweringServer> {
  const asked: string[] = [];
  const answers: AnsweringServer["answers"] = {};
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const { status = 200, body = "", headers = {}, isSilent = false } = answers[path] ?? { status: 404 };
    if (isSilent) return;
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
