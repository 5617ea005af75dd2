import { describe, expect, it } from "vitest";
import { ALONE, createBatch } from "../../../src/billing/batch.ts";

interface Member {
  name: string;
  user?: string;
}

const undone = new Error("undone");
const broken = new Error("broken");

/** A database whose calls end when the test says so. */
function createScene(options: { lanes?: number; maxSize?: number } = {}) {
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
    lanes: options.lanes ?? 1,
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
  it("lets who comes first go at once, and takes all that queue meanwhile together, in order", async () => {
    const { submit, answer, names } = createScene();
    const results = submit(...members("a", "b", "c"));
    expect(names()).toEqual([["a"]]);
    await answer(0);
    expect(names()).toEqual([["a"], ["b", "c"]]);
    await answer(1);
    expect(await Promise.all(results)).toEqual(["a", "b", "c"]);
  });

  it("keeps as many under way as it has lanes, each up to the size", async () => {
    const { submit, answer, names } = createScene({ lanes: 2, maxSize: 2 });
    void submit(...members("a", "b", "c", "d", "e"));
    expect(names()).toEqual([["a"], ["b"]]);
    await answer(1);
    expect(names()).toEqual([["a"], ["b"], ["c", "d"]]);
  });

  it("keeps members with one key apart and in order, also over lanes", async () => {
    const { submit, answer, names } = createScene({ lanes: 2 });
    void submit(
      { name: "a1", user: "a" },
      { name: "a2", user: "a" },
      { name: "a3", user: "a" },
      { name: "b", user: "b" },
    );
    expect(names()).toEqual([["a1"], ["b"]]);
    await answer(1);
    expect(names()).toEqual([["a1"], ["b"]]);
    await answer(0);
    expect(names()).toEqual([["a1"], ["b"], ["a2"]]);
    await answer(2);
    expect(names().at(-1)).toEqual(["a3"]);
  });

  it("tries each member of a batch that failed and is undone by itself, and holds the lane for none", async () => {
    const { submit, calls, answer, names } = createScene();
    const results = submit(...members("first", "good", "bad"));
    await answer(0);
    calls[1]?.end(undone);
    await settled();
    expect(names().slice(2)).toEqual([["good"], ["bad"]]);
    results.push(...submit(...members("later")));
    expect(names().at(-1)).toEqual(["later"]);
    calls[3]?.end(undone);
    await answer(2);
    await answer(4);
    expect(await Promise.all(results)).toEqual(["first", "good", "undone", "later"]);
  });

  it("tells all members of a batch whose end nobody knows, and tries none of them again", async () => {
    const { submit, calls, answer, names } = createScene();
    const results = submit(...members("first", "b", "c"));
    await answer(0);
    calls[1]?.end(broken);
    expect(await Promise.all(results)).toEqual(["first", "broken", "broken"]);
    expect(names()).toHaveLength(2);
  });

  it("lets a member that has to go alone go alone, and its neighbours be done", async () => {
    const { submit, calls, answer, names } = createScene();
    const results = submit(...members("first", "busy", "free"));
    await answer(0);
    calls[1]?.end([ALONE, "free"]);
    await settled();
    expect(names().at(-1)).toEqual(["busy"]);
    await answer(2);
    expect(await Promise.all(results)).toEqual(["first", "busy", "free"]);
  });

  it("goes on after faults with whatever comes", async () => {
    const { submit, calls, answer } = createScene();
    const [failed] = submit({ name: "a", user: "u" });
    calls[0]?.end(broken);
    expect(await failed).toBe("broken");
    const [next] = submit({ name: "b", user: "u" });
    await answer(1);
    expect(await next).toBe("b");
  });
});
