import { pino } from "pino";
import { describe, expect, it } from "vitest";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { resourceOf } from "../../../src/kube/resource.ts";
import { createStatusWriter } from "../../../src/kube/status.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { condition, sovereign } from "../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../support/builder/reconcile-context.ts";

/** A server that gives each write the next version. */
function startWriter(own: Sovereign, logger = createLogger("test", "silent")) {
  let version = 1;
  const client = {
    apply: async (_resource: unknown, object: Sovereign) => {
      version += 1;
      return { ...object, metadata: { ...own.metadata, resourceVersion: String(version) } };
    },
  } as unknown as KubeClient;
  const events = { settle: async () => undefined };
  return createStatusWriter<Sovereign>({ client, fieldManager: "us", events, logger }, resourceOf(SOVEREIGN));
}

const at = (resourceVersion: string, status?: Sovereign["status"]): Sovereign => {
  const own = sovereign("omantel", {}, status);
  return { ...own, metadata: { ...own.metadata, resourceVersion } };
};

describe("createStatusWriter", () => {
  it("logs one line when the status or the reason of Ready changes, and none otherwise", async () => {
    const lines: { msg: string; key: string; ready: string; reason: string; was?: string }[] = [];
    const own = at("1");
    const writer = startWriter(own, pino({}, { write: (line) => void lines.push(JSON.parse(line)) }));
    const ready = (status: "True" | "False", reason: string, message = "") => ({
      conditions: [{ ...condition("Ready", status), reason, message }],
    });
    await writer.write(own, ready("False", "RollingOut", "1 of 2"));
    await writer.write(own, ready("False", "RollingOut", "2 of 2"));
    await writer.write(own, ready("False", "RollingOut", "2 of 2"));
    await writer.write(own, ready("True", "Verified"));
    await writer.write(own, {});
    await writer.write(own, ready("False", "Announced"), true);
    expect(lines.map(({ msg, key, ready, reason, was }) => [msg, key, ready, reason, was])).toEqual([
      ["status changed", "omantel", "False", "RollingOut", undefined],
      ["status changed", "omantel", "True", "Verified", "RollingOut"],
    ]);
  });

  it("keeps a write until the cache that it follows has it", async () => {
    const [earlier, url] = [at("1"), "http://billing"];
    const known: Sovereign[] = [earlier];
    const cache = fixedInformer<Sovereign>(resourceOf(SOVEREIGN), known);
    const writer = startWriter(earlier);
    writer.follow(cache, new AbortController().signal);
    await writer.write(earlier, { url });
    cache.announce({ kind: "updated", object: earlier, previous: earlier });
    expect(writer.newest(earlier).status).toEqual({ url });
    const later = at("2", { url });
    cache.announce({ kind: "updated", object: later, previous: earlier });
    // The writer no longer keeps a newer status.
    expect(writer.newest(earlier)).toBe(earlier);
    // The event of this write arrived before its answer.
    known[0] = at("3", { url: "http://other" });
    await writer.write(later, { url: "http://other" });
    expect(writer.newest(later)).toBe(later);
  });
});
