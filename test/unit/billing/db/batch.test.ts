import { describe, expect, it } from "vitest";
import { ALONE, createBatch } from "../../../../src/billing/db/batch.ts";
import { eventually } from "../../../support/wait.ts";

interface Member {
  name: string;
  user?: string;
}

const undone = new Error("undone");
const broken = new Error("broken");

/** A database whose calls end when the test ends them. */
function createScene(
  options: {
    concurrency?: number;
    maxSize?: number;
    aloneConcurrency?: number;
    beside?: { size: number; afterMs: number };
  } = {},
) {
  const calls: { names: string[]; end(results: (string | typeof ALONE)[] | Error): void }[] = [];
  const batch = createBatch<Member, string>({
    run: (members) =>
      new Promise((resolve, reject) => {
        calls.push({
          names: members.map(({ name }) => name),
          end: (results) => (results instanceof Error ? reject(results) : resolve(results)),
        });
      }),
    keysOf: ({ name, user }) => [user ?? name],
    isUndone: (error) => error === undone,
    maxSize: options.maxSize ?? 50,
    concurrency: options.concurrency ?? 1,
    aloneConcurrency: options.aloneConcurrency ?? 3,
    ...(options.beside === undefined ? {} : { beside: options.beside }),
  });
  const submit = (...members: Member[]) =>
    members.map((member) => batch.submit(member).catch((error: Error) => error.message));
  /** Ends the nth call by giving each member its own name. */
  const answer = async (index: number) => {
    calls[index]?.end(calls[index].names);
    await settled();
  };
  return { calls, submit, answer, names: () => calls.map(({ names }) => names) };
}

const settled = () => new Promise((done) => setImmediate(done));
const members = (...names: string[]): Member[] => names.map((name) => ({ name }));

describe("createBatch", () => {
  it("runs members that arrive together in one batch, and those that queue meanwhile in the next, in order", async () => {
    const { submit, answer, names } = createScene();
    const results = submit(...members("a", "b"));
    await settled();
    expect(names()).toEqual([["a", "b"]]);
    results.push(...submit(...members("c", "d")));
    await settled();
    expect(names()).toEqual([["a", "b"]]);
    await answer(0);
    expect(names()).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    await answer(1);
    expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
  });

  it("starts a second batch beside the first one only when enough members wait", async () => {
    const { submit, answer, names } = createScene({ concurrency: 2, beside: { size: 2, afterMs: 60_000 } });
    const results = submit(...members("a"));
    await settled();
    results.push(...submit(...members("b")));
    await settled();
    expect(names()).toEqual([["a"]]);
    results.push(...submit(...members("c")));
    await settled();
    expect(names()).toEqual([["a"], ["b", "c"]]);
    results.push(...submit(...members("d")));
    await answer(0);
    expect(names()).toEqual([["a"], ["b", "c"]]);
    await answer(1);
    expect(names()).toEqual([["a"], ["b", "c"], ["d"]]);
    await answer(2);
    expect(await Promise.all(results)).toEqual(["a", "b", "c", "d"]);
  });

  it("starts a second batch for any member when the first one takes long", async () => {
    const { submit, answer, names } = createScene({ concurrency: 2, beside: { size: 2, afterMs: 20 } });
    const results = submit(...members("a"));
    await settled();
    results.push(...submit(...members("b")));
    await settled();
    expect(names()).toEqual([["a"]]);
    await eventually(() => expect(names()).toEqual([["a"], ["b"]]));
    await answer(0);
    await answer(1);
    expect(await Promise.all(results)).toEqual(["a", "b"]);
  });

  it("runs as many batches at once as its concurrency allows, each of at most the maximum size", async () => {
    const { submit, answer, names } = createScene({ concurrency: 2, maxSize: 2 });
    void submit(...members("a", "b", "c", "d", "e", "f", "g"));
    await settled();
    expect(names()).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
    await answer(1);
    expect(names().slice(2)).toEqual([["e", "f"]]);
  });

  it("runs members that share a key one after the other and in order, also across batches", async () => {
    const { submit, answer, names } = createScene({ concurrency: 2 });
    void submit({ name: "a1", user: "a" });
    await settled();
    void submit({ name: "a2", user: "a" }, { name: "a3", user: "a" }, { name: "b", user: "b" });
    await settled();
    expect(names()).toEqual([["a1"], ["b"]]);
    await answer(1);
    expect(names()).toEqual([["a1"], ["b"]]);
    await answer(0);
    expect(names()).toEqual([["a1"], ["b"], ["a2"]]);
    await answer(2);
    expect(names().at(-1)).toEqual(["a3"]);
  });

  it("runs each member of a failed and undone batch alone, and starts the next batch meanwhile", async () => {
    const { submit, calls, answer, names } = createScene();
    const results = submit(...members("good", "bad"));
    await settled();
    calls[0]?.end(undone);
    await settled();
    expect(names().slice(1)).toEqual([["good"], ["bad"]]);
    results.push(...submit(...members("later")));
    await settled();
    expect(names().at(-1)).toEqual(["later"]);
    calls[2]?.end(undone);
    await answer(1);
    await answer(3);
    expect(await Promise.all(results)).toEqual(["good", "undone", "later"]);
  });

  it("rejects all members of a batch whose result is unknown, and retries none of them", async () => {
    const { submit, calls, names } = createScene();
    const results = submit(...members("a", "b"));
    await settled();
    calls[0]?.end(broken);
    expect(await Promise.all(results)).toEqual(["broken", "broken"]);
    expect(names()).toHaveLength(1);
  });

  it("runs at most aloneConcurrency members alone at the same time", async () => {
    const { submit, calls, answer, names } = createScene({ aloneConcurrency: 2 });
    void submit(...members("a"));
    await settled();
    void submit(...members("b", "c", "d"));
    await answer(0);
    calls[1]?.end(undone);
    await settled();
    expect(names().slice(2)).toEqual([["b"], ["c"]]);
    await answer(2);
    expect(names().slice(2)).toEqual([["b"], ["c"], ["d"]]);
  });

  it("runs a member alone that must run alone, and finishes the other members of its batch", async () => {
    const { submit, calls, answer, names } = createScene();
    const results = submit(...members("busy", "free"));
    await settled();
    calls[0]?.end([ALONE, "free"]);
    await settled();
    expect(names().at(-1)).toEqual(["busy"]);
    await answer(1);
    expect(await Promise.all(results)).toEqual(["busy", "free"]);
  });

  it("continues with later members after faults", async () => {
    const { submit, calls, answer } = createScene();
    const [failed] = submit({ name: "a", user: "u" });
    await settled();
    calls[0]?.end(broken);
    expect(await failed).toBe("broken");
    const [next] = submit({ name: "b", user: "u" });
    await settled();
    await answer(1);
    expect(await next).toBe("b");
  });
});
