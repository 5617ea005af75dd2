import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap } from "../../../support/builder/api-object.ts";
import { MERGE } from "../../../support/server/api-request.ts";
import {
  startTestApiServer,
  type TestApiServer,
  type WatchedEvent,
} from "../../../support/server/apiserver.ts";
import { eventually } from "../../../support/wait.ts";

const CONFIG_MAPS = "/api/v1/namespaces/watched/configmaps";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await api.must("POST", "/api/v1/namespaces", {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "watched" },
  });
  await eventually(async () =>
    expect((await api.send("GET", `${CONFIG_MAPS}/kube-root-ca.crt`)).status).toBe(200),
  );
});
afterAll(() => api.dispose());

const shown = (events: WatchedEvent[]) => events.map(({ type, object }) => `${type} ${object.metadata.name}`);

describe("watch", () => {
  it("sends the events since a version, then new events", async () => {
    const list = await api.must("GET", CONFIG_MAPS);
    await api.must("POST", CONFIG_MAPS, configMap("before"));
    const watching = api.watch(
      `${CONFIG_MAPS}?watch=1&resourceVersion=${list.metadata.resourceVersion}`,
      (events) => events.length === 4,
    );
    await api.must("POST", CONFIG_MAPS, configMap("after"));
    await api.must("PATCH", `${CONFIG_MAPS}/after`, { data: { a: "1" } }, MERGE);
    await api.must("DELETE", `${CONFIG_MAPS}/after`);
    const events = await watching;
    expect(shown(events)).toEqual(["ADDED before", "ADDED after", "MODIFIED after", "DELETED after"]);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(4);
  });

  it("sends every event of a burst, in order", async () => {
    const { metadata } = await api.must("GET", CONFIG_MAPS);
    await api.must("POST", CONFIG_MAPS, configMap("busy", { filling: "x".repeat(20_000) }));
    const count = 300;
    const path = `${CONFIG_MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`;
    const watching = api.watch(path, (events) => events.length > count);
    for (let first = 0; first < count; first += 30) {
      const changes = Array.from({ length: 30 }, (_, index) => ({ data: { index: String(first + index) } }));
      await Promise.all(changes.map((change) => api.must("PATCH", `${CONFIG_MAPS}/busy`, change, MERGE)));
    }
    const events = await watching;
    expect(events).toHaveLength(count + 1);
    const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  });

  it("reports objects that start or stop matching a selector as added or deleted", async () => {
    const { metadata } = await api.must("GET", CONFIG_MAPS);
    const watching = api.watch(
      `${CONFIG_MAPS}?watch=1&labelSelector=colour%3Dred&resourceVersion=${metadata.resourceVersion}`,
      (events) => events.length === 3,
    );
    const labelled = (colour: string | null) =>
      api.must("PATCH", `${CONFIG_MAPS}/painted`, { metadata: { labels: { colour } } }, MERGE);
    await api.must("POST", CONFIG_MAPS, configMap("painted"));
    await labelled("red");
    await api.must("PATCH", `${CONFIG_MAPS}/painted`, { data: { a: "1" } }, MERGE);
    await labelled("blue");
    const events = await watching;
    expect(shown(events)).toEqual(["ADDED painted", "MODIFIED painted", "DELETED painted"]);
    expect(events[2]?.object.metadata.labels).toEqual({ colour: "red" });
  });

  it("sends initial events and marks their end", async () => {
    const { items } = await api.must("GET", CONFIG_MAPS);
    const events = await api.watch(
      `${CONFIG_MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
      (seen) => seen.some(({ type }) => type === "BOOKMARK"),
    );
    expect(events.filter(({ type }) => type === "ADDED")).toHaveLength(items.length);
    const bookmark = events.at(-1);
    expect(bookmark?.object.kind).toBe("ConfigMap");
    expect(bookmark?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
  });

  it("ends after timeoutSeconds with a bookmark of its last version", async () => {
    const { metadata } = await api.must("GET", CONFIG_MAPS);
    const path = `${CONFIG_MAPS}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${metadata.resourceVersion}`;
    const events = await api.watch(path, () => false);
    expect(events.map(({ type }) => type)).toEqual(["BOOKMARK"]);
    expect(Number(events[0]?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(
      Number(metadata.resourceVersion),
    );
  });

  it("answers versions older than the history with a 410 event, also after a restart", async () => {
    const { metadata } = await api.must("GET", CONFIG_MAPS);
    await api.must("POST", CONFIG_MAPS, configMap("newer"));
    const { stateDir } = api;
    await api.stop();
    api = await startTestApiServer({ stateDir });
    const [event] = await api.watch(
      `${CONFIG_MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`,
      () => true,
    );
    expect(event).toMatchObject({ type: "ERROR", object: { kind: "Status", reason: "Expired", code: 410 } });
  });

  it("refuses a version that does not exist yet, and asks for a retry", async () => {
    const [status] = await api.watch(`${CONFIG_MAPS}?watch=1&resourceVersion=99999999`, () => true);
    expect(status).toMatchObject({ code: 504, reason: "Timeout", details: { retryAfterSeconds: 1 } });
  });

  it("streams tables to clients that print them", async () => {
    const { body } = await api.send(
      "GET",
      `${CONFIG_MAPS}?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Dnewer`,
      {
        headers: { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" },
      },
    );
    expect(body).toMatchObject({
      type: "ADDED",
      object: { kind: "Table", rows: [{ cells: ["newer", 0, expect.any(String)] }] },
    });
  });

  it("sends a slow reader every event in order", async () => {
    const { metadata } = await api.must("GET", CONFIG_MAPS);
    const big = "x".repeat(200_000);
    let first = true;
    const watching = api.watch(
      `${CONFIG_MAPS}?watch=1&resourceVersion=${metadata.resourceVersion}`,
      (events) => {
        // Blocks the reader, and the event loop, once, so that events pile up.
        if (first) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
        first = false;
        return events.length >= 100;
      },
    );
    await api.must("POST", CONFIG_MAPS, configMap("heavy"));
    for (let index = 1; index < 100; index++) {
      await api.must("PATCH", `${CONFIG_MAPS}/heavy`, { data: { index: `${index}`, big } }, MERGE);
    }
    const indexes = (await watching).map(({ object }) =>
      Number((object.data as { index?: string } | undefined)?.index ?? 0),
    );
    expect(indexes).toEqual(Array.from({ length: 100 }, (_, index) => index));
  });
});
