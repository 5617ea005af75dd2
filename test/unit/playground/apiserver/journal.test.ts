import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal, openJournal } from "../../../../src/playground/apiserver/journal.ts";

const MIN_BYTES = 5_000;
let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "catalyst-journal-"));
  journal = openJournal(folder);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true });
});

const entry = (name: string) => ({
  op: "put" as const,
  storage: "/configmaps",
  object: {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, uid: name, resourceVersion: "1", creationTimestamp: "" },
  },
});
const entries = (count: number) => Array.from({ length: count }, (_, index) => entry(`of-fleet-${index}`));

/** The number of entries that are appended until the journal is long. */
function appendUntilLong(): number {
  for (let count = 1; count < 10_000; count += 1) {
    journal.append(entry("one"));
    if (journal.isLong(MIN_BYTES)) return count;
  }
  throw new Error("the journal never becomes long");
}

describe("a journal", () => {
  it("is long after some bytes", () => {
    expect(journal.isLong(MIN_BYTES)).toBe(false);
    const count = appendUntilLong();
    journal.compact(entries(3));
    expect(journal.isLong(MIN_BYTES)).toBe(false);
    expect(appendUntilLong()).toBe(count);
  });

  it("is not long after a compaction that wrote much, until as much is appended", () => {
    journal.compact(entries(500));
    expect(appendUntilLong()).toBeGreaterThan(500);
  });
});
