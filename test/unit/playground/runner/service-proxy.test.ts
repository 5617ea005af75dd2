import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import type { Pod } from "../../../../src/playground/runner/pod.ts";
import { createServiceProxy, type ServiceProxy } from "../../../../src/playground/runner/service-proxy.ts";

const LABELS = { app: "billing" };
const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function listen(host: string, port: number, word: string): Promise<number> {
  const server: Server = createServer((socket) =>
    socket.resume().end(`HTTP/1.1 200 OK\r\ncontent-length: ${word.length}\r\n\r\n${word}`),
  );
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}

function readyPod(podIP: string): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "billing-1", namespace: "sovereign-omantel", labels: LABELS },
    spec: { containers: [] },
    status: {
      phase: "Running",
      podIP,
      conditions: [{ type: "Ready", status: "True", lastTransitionTime: "" }],
    },
  };
}

function proxyFrom(firstPort: number, pods: Pod[]): ServiceProxy {
  const proxy = createServiceProxy({ list: () => pods }, firstPort);
  closers.push(() => proxy.close());
  return proxy;
}

describe("the service proxy", () => {
  it("skips ports that are in use, and returns the URL of the port it got", async () => {
    const taken = await listen("127.0.0.1", 0, "other");
    // On a busy machine another process may already use this port. That also serves the test.
    await listen("127.0.0.1", taken + 1, "other").catch(() => undefined);
    const target = await listen("127.0.0.2", 0, "billing");
    const url = await proxyFrom(taken, [readyPod("127.0.0.2")]).urlOf("sovereign-omantel", LABELS, target);
    expect(Number(new URL(url).port)).toBeGreaterThan(taken + 1);
    expect(await (await fetch(url)).text()).toBe("billing");
  });

  it("gives each Service its own URL, the same each time", async () => {
    const free = await listen("127.0.0.1", 0, "");
    const proxy = proxyFrom(free, []);
    const url = await proxy.urlOf("one", LABELS, 80);
    expect(await proxy.urlOf("one", LABELS, 80)).toBe(url);
    expect(await proxy.urlOf("two", LABELS, 80)).not.toBe(url);
  });

  it("closes a connection at once when no Pod is ready", async () => {
    const free = await listen("127.0.0.1", 0, "");
    const url = await proxyFrom(free, []).urlOf("one", LABELS, 80);
    await expect(fetch(url)).rejects.toThrow();
  });
});
