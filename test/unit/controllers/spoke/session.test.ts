import { describe, expect, it } from "vitest";
import { openSpokeCaches } from "../../../../src/controllers/spoke/session.ts";
import { createLogger } from "../../../../src/platform/log.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { sendJson, watchLine } from "../../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../../support/server/scripted-client.ts";
import { until } from "../../../support/wait.ts";

const start = useScriptedClients();

/** A Sovereign whose JSON is slightly longer than `bytes`. */
const bulky = (name: string, resourceVersion: number, bytes: number) => {
  const made = sovereign(name, { branding: { displayName: "x".repeat(bytes) } });
  return { ...made, metadata: { ...made.metadata, resourceVersion: String(resourceVersion) } };
};

/** Follows a cluster without objects whose watch of Sovereigns sends these lines. Returns what ended the session. */
async function followed(lines: string[], maxBytes: number) {
  const { client } = await start((request, response) => {
    if (request.query.get("watch") !== "true") {
      sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: [] });
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    if (request.path.endsWith("/sovereigns")) response.write(lines.join(""));
  });
  const failures: unknown[] = [];
  const ending = new AbortController();
  const caches = openSpokeCaches({
    client,
    logger: createLogger("test", "silent"),
    onFailure(error) {
      if (!ending.signal.aborted) failures.push(error);
    },
    maxBytes,
  });
  const running = Promise.all(caches.all.map((informer) => informer.run(ending.signal)));
  return {
    caches,
    failures,
    async end() {
      ending.abort();
      await running;
    },
  };
}

describe("openSpokeCaches", () => {
  it("reports a cluster that sends more objects than it may", async () => {
    const lines = [1, 2, 3].map((at) => watchLine("ADDED", bulky(`s${at}`, at + 1, 1_000)));
    const { failures, end } = await followed(lines, 3_000);
    await until(() => failures.length > 0, "a failure");
    await end();
    expect(failures.map(String)).toEqual([
      "Error: the cluster has more than 3000 bytes of Sovereigns, Franchises, BillingReleases and EnvironmentPolicies: delete those that the hub does not need",
    ]);
  });

  it("counts what the caches hold now, however often it changes", async () => {
    const changes = Array.from({ length: 20 }, (_, at) => watchLine("MODIFIED", bulky("s1", at + 3, 1_000)));
    const lines = [
      watchLine("ADDED", bulky("s1", 2, 1_000)),
      ...changes,
      watchLine("DELETED", bulky("s1", 30, 1_000)),
      watchLine("ADDED", bulky("s2", 31, 1_000)),
    ];
    const { caches, failures, end } = await followed(lines, 2_000);
    await until(() => caches.sovereigns.get("s2") !== undefined, "the last Sovereign");
    expect(caches.sovereigns.list()).toHaveLength(1);
    expect(failures).toEqual([]);
    await end();
  });
});
