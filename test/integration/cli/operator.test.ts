import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, get, Agent as HttpAgent } from "node:http";
import { Agent, request } from "node:https";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { startTestControlPlane, type TestControlPlane } from "../../support/server/kube-apiserver.ts";
import { prepareCluster, publishedBundle, WEBHOOK_HOST } from "../../support/server/webhook-replica.ts";
import { eventually } from "../../support/wait.ts";

const MAIN = join(import.meta.dirname, "../../../src/cli/main.ts");

let plane: TestControlPlane;
let client: KubeClient;
const children: ChildProcess[] = [];

beforeAll(async () => {
  plane = await startTestControlPlane("embedded");
  client = createKubeClient({ kubeConfig: plane.kubeConfig(), userAgent: "operator-test" });
  await prepareCluster(client);
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await once(child, "close");
    }
  }
});
afterAll(async () => {
  await client?.close();
  await plane?.close();
});

/** Runs `catalyst operator` as a process. `serving` resolves with the ports of its three servers. */
function run(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN, "operator"], {
    env: {
      PATH: process.env.PATH ?? "",
      KUBECONFIG: plane.kubeconfigPath,
      HOST: "127.0.0.1",
      ...{ WEBHOOK_PORT: "0", VOUCHER_API_PORT: "0", HTTP_PORT: "0" },
      ...env,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  children.push(child);
  let log = "";
  const serving = new Promise<Record<"webhook" | "voucherApi" | "health", URL>>((resolve, reject) => {
    child.stderr.on("data", (chunk) => {
      log += chunk;
      const line = log.split("\n").find((text) => text.includes('"msg":"serving"') && text.endsWith("}"));
      if (line === undefined) return;
      const { webhook, voucherApi, health } = JSON.parse(line);
      resolve({ webhook: new URL(webhook), voucherApi: new URL(voucherApi), health: new URL(health) });
    });
    child.once("close", () => reject(new Error(log)));
  });
  serving.catch(() => undefined);
  return { child, serving, exit: once(child, "close").then(([code]) => ({ code, log })) };
}

type Answer = [status: number | undefined, connection: string | undefined];

const askHttp = (url: URL, path: string) =>
  new Promise<Answer>((resolve, reject) =>
    get(new URL(path, url), { agent: new HttpAgent(keeping) }, (answer) => {
      answer.resume();
      resolve([answer.statusCode, answer.headers.connection]);
    }).on("error", reject),
  );

// The client would keep its connections, so only the server closes them.
const keeping = { keepAlive: true, timeout: 1_000 };

/** A review over a new TLS connection, as an API server sends it. */
const review = (port: string, ca: string) =>
  new Promise<Answer>((resolve, reject) => {
    const options = { host: "127.0.0.1", port, path: "/admit", method: "POST", servername: WEBHOOK_HOST, ca };
    const asked = request({ ...options, agent: new Agent(keeping) }, (answer) => {
      answer.resume();
      resolve([answer.statusCode, answer.headers.connection]);
    });
    asked.once("error", reject);
    asked.end(
      JSON.stringify({
        apiVersion: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        request: {
          uid: "1",
          operation: "CREATE",
          resource: { group: "", version: "v1", resource: "pods" },
          userInfo: { username: "somebody", groups: [] },
        },
      }),
    );
  });

describe("catalyst operator", () => {
  it("is ready once its CA is published, keeps serving unready after SIGTERM, and then exits with 0", async () => {
    // Longer than the requests below by so much that a busy machine changes nothing.
    const { child, serving, exit } = run({ DRAIN_SECONDS: "3" });
    const { webhook, voucherApi, health } = await serving;
    await eventually(async () =>
      expect(await askHttp(health, "/readyz").then(([status]) => status)).toBe(200),
    );
    const ca = await publishedBundle(client);
    expect(await review(webhook.port, ca)).toEqual([200, "keep-alive"]);

    child.kill("SIGTERM");
    const signalledAt = performance.now();
    await eventually(async () =>
      expect(await askHttp(health, "/readyz").then(([status]) => status)).toBe(503),
    );
    while (performance.now() - signalledAt < 900) {
      expect(await review(webhook.port, ca)).toEqual([200, "close"]);
      // The cluster has no Sovereign, so /healthz answers 503. The test needs only an answer.
      expect(await askHttp(voucherApi, "/healthz")).toEqual([503, "close"]);
    }
    expect((await exit).code).toBe(0);
    expect(performance.now() - signalledAt).toBeGreaterThan(2_990);
    await expect(review(webhook.port, ca)).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("exits with 1 and starts nothing when a port is taken", async () => {
    const taken = createServer();
    taken.listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const { code, log } = await run({ VOUCHER_API_PORT: String(port) }).exit;
    taken.close();
    expect(code).toBe(1);
    expect(log).toContain(`catalyst operator: listen EADDRINUSE: address already in use 127.0.0.1:${port}`);
  });
});
