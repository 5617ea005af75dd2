import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openJournal } from "../../../../src/playground/apiserver/journal.ts";
import { startEventExpiry } from "../../../../src/playground/apiserver/lifecycle/event-expiry.ts";
import type { ManagedFieldsEntry } from "../../../../src/playground/apiserver/object.ts";
import { createStore, type Store } from "../../../../src/playground/apiserver/store.ts";

const MINUTE_MS = 60_000;
const START = Date.parse("2026-06-01T12:00:00Z");
const at = (minutes: number) => new Date(START + minutes * MINUTE_MS).toISOString();

let folder: string;
let store: Store;
let ending: AbortController;

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  folder = mkdtempSync(join(tmpdir(), "catalyst-expiry-"));
  store = createStore({ journal: openJournal(folder) });
  ending = new AbortController();
  startEventExpiry({ store, now: () => new Date(), signal: ending.signal });
});
afterEach(() => {
  ending.abort();
  store.close();
  rmSync(folder, { recursive: true });
  vi.useRealTimers();
});

const write = (name: string, lastTimestamp: string, managedFields: ManagedFieldsEntry[] = []) =>
  store.put("/events", {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      name,
      namespace: "default",
      uid: name,
      resourceVersion: "",
      creationTimestamp: at(0),
      managedFields,
    },
    lastTimestamp,
  });
const names = () => [...store.list("/events")].map(({ metadata }) => metadata.name);

describe("the expiry of Events", () => {
  it("deletes an Event an hour after it was written", () => {
    write("old", at(0));
    vi.advanceTimersByTime(60 * MINUTE_MS);
    expect(names()).toEqual(["old"]);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(names()).toEqual([]);
  });

  it("counts from the last change", () => {
    write("changed", at(0), [{ manager: "operator", operation: "Update", time: at(30) }]);
    vi.advanceTimersByTime(90 * MINUTE_MS);
    expect(names()).toEqual(["changed"]);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(names()).toEqual([]);
  });

  it("does not trust the clock of the client that wrote it", () => {
    write("of-slow-clock", at(-120));
    write("of-fast-clock", at(120));
    vi.advanceTimersByTime(60 * MINUTE_MS);
    expect(names().sort()).toEqual(["of-fast-clock", "of-slow-clock"]);
    vi.advanceTimersByTime(MINUTE_MS);
    expect(names()).toEqual([]);
  });
});
