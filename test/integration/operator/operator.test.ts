import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, describe, expect, it } from "vitest";
import { readOperatorSettings } from "../../../src/cli/operator-flag.ts";
import { runOperator } from "../../../src/operator/operator.ts";
import { startScriptedApi } from "../../support/server/scripted-api.ts";
import { eventually } from "../../support/wait.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await eventually(() => expect(server.listening).toBe(true));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("runOperator", () => {
  it("answers unready and stops on the signal while the caches cannot sync", async () => {
    // Lists are never answered.
    const api = await startScriptedApi(() => {});
    const folder = await mkdtemp(join(tmpdir(), "catalyst-operator-"));
    cleanups.push(
      () => api.close(),
      () => rm(folder, { recursive: true }),
    );
    const kubeconfig = join(folder, "kubeconfig");
    writeFileSync(kubeconfig, api.kubeConfig().exportConfig());
    const port = await freePort();
    const stop = new AbortController();
    const running = runOperator({
      settings: readOperatorSettings([], {
        ...{ HOST: "127.0.0.1", WEBHOOK_PORT: "0", VOUCHER_API_PORT: "0" },
        ...{ HTTP_PORT: String(port), KUBECONFIG: kubeconfig },
      }),
      logger: pino({ enabled: false }),
      now: () => new Date(),
      signal: stop.signal,
    });
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).status;
    await eventually(() => expect(api.requests.length).toBeGreaterThan(0));
    expect(await ask("/healthz")).toBe(200);
    expect(await ask("/readyz")).toBe(503);
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(
      "process_cpu_seconds_total",
    );
    stop.abort();
    await running;
    await expect(ask("/healthz")).rejects.toThrow();
  });
});
