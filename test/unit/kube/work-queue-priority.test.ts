import { describe, expect, it } from "vitest";
import { settled, startWorkQueue } from "../../support/builder/work-queue.ts";

describe("the priorities of a work queue", () => {
  it("put an edit of a person before changes, changes before first reconciles, and these before resyncs", async () => {
    const { queue, begun, finish } = startWorkQueue(1);
    queue.add("under way");
    await settled();
    queue.add("resync", "resync");
    queue.add("first", "first");
    queue.add("change");
    queue.add("edit", "edit");
    for (const key of ["under way", "edit", "change", "first", "resync"]) await finish(key);
    expect(begun).toEqual(["under way", "edit", "change", "first", "resync"]);
  });

  it("rise for a key that waits, and never fall", async () => {
    const { queue, begun, finish } = startWorkQueue(1);
    queue.add("under way");
    await settled();
    for (const key of ["a", "b", "c"]) queue.add(key, "resync");
    queue.add("c", "edit");
    queue.add("c", "resync");
    queue.add("under way", "resync");
    queue.add("under way", "edit");
    for (const key of ["under way", "c", "under way", "a", "b"]) await finish(key);
    expect(begun).toEqual(["under way", "c", "under way", "a", "b"]);
  });

  it("stay with a key through its delay and its failure", async () => {
    const { queue, begun, underWay, finish, advance } = startWorkQueue(1);
    queue.add("edited", "edit");
    await settled();
    queue.add("busy");
    underWay.get("edited")?.reject(new Error("a conflict"));
    await settled();
    for (const key of ["a", "b"]) queue.add(key);
    queue.addAfter("later", 50, "edit");
    await advance(200);
    for (const key of ["busy", "later", "edited", "a", "b"]) await finish(key);
    expect(begun).toEqual(["edited", "busy", "later", "edited", "a", "b"]);
  });

  it("give an edit the next free worker while 663 resyncs wait", async () => {
    const { queue, begun, finish } = startWorkQueue(4);
    for (let at = 0; at < 663; at += 1) queue.add(`resync-${at}`, "resync");
    await settled();
    queue.add("edited", "edit");
    await finish("resync-0");
    expect(begun.at(-1)).toBe("edited");
  });

  it("starve no key: every eighth key is the one that waited longest", async () => {
    const { queue, begun, finish, advance } = startWorkQueue(1);
    queue.add("resync", "resync");
    queue.add("first", "first");
    await advance(1);
    let edits = 0;
    for (let round = 0; round < 24; round += 1) {
      queue.add(`edit-${edits++}`, "edit");
      await settled();
      await finish(begun.at(-1) ?? "");
    }
    expect(begun).toContain("resync");
    expect(begun).toContain("first");
    expect(begun.filter((key) => key.startsWith("edit")).length).toBeGreaterThanOrEqual(20);
  });
});
