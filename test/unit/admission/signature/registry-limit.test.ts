import { describe, expect, it } from "vitest";
import { limitRegistryRequests } from "../../../../src/admission/signature/registry-limit.ts";
import type { RegistryRequest } from "../../../../src/admission/signature/registry-request.ts";

type Answer = Awaited<ReturnType<RegistryRequest>>;
const ANSWER = { status: 200 } as Answer;
const exchange = (signal = new AbortController().signal) => ({
  ...{ accept: "*/*", maxBytes: 1, maxRedirects: 0, signal },
});
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Registries whose hosts begin with `slow` answer when `release` is called, and others at once. */
function registries() {
  const { promise, resolve } = Promise.withResolvers<Answer>();
  const sent: string[] = [];
  const request = limitRegistryRequests(async ({ host }) => {
    sent.push(host);
    return host.startsWith("slow") ? promise : ANSWER;
  });
  return {
    sent,
    ask: (host: string, signal?: AbortSignal) =>
      request({ host, repository: "shop" }, "manifests/x", exchange(signal)),
    release: () => resolve(ANSWER),
  };
}

describe("limitRegistryRequests", () => {
  it("answers for other hosts at once while 200 requests wait on one", async () => {
    const { ask, sent, release } = registries();
    const slow = Array.from({ length: 200 }, () => ask("slow.test"));
    await settle();
    expect(await ask("quick.test")).toBe(ANSWER);
    expect(sent.filter((host) => host === "slow.test")).toHaveLength(16);
    release();
    expect(await Promise.all(slow)).toHaveLength(200);
  });

  it("refuses a request at once when too many wait for its host", async () => {
    const { ask, release } = registries();
    const slow = Array.from({ length: 216 }, () => ask("slow.test"));
    await expect(ask("slow.test")).rejects.toThrow("slow.test: too many requests wait already");
    release();
    await Promise.all(slow);
    expect(await ask("slow.test")).toBe(ANSWER);
  });

  it("sends at most 128 requests over all hosts", async () => {
    const { ask, sent, release } = registries();
    const slow = Array.from({ length: 300 }, (_, index) => ask(`slow-${index}.test`));
    await settle();
    expect(sent).toHaveLength(128);
    release();
    await Promise.all(slow);
    expect(sent).toHaveLength(300);
  });

  it("ends a waiting request when its signal fires", async () => {
    const { ask, release } = registries();
    const slow = Array.from({ length: 16 }, () => ask("slow.test"));
    const stop = new AbortController();
    const waiting = ask("slow.test", stop.signal);
    await settle();
    stop.abort(new Error("too late"));
    await expect(waiting).rejects.toThrow("too late");
    release();
    await Promise.all(slow);
  });
});
