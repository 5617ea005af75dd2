import { type Environment, EvaluationError, Optional } from "@marcbachmann/cel-js";
import { Duration } from "@marcbachmann/cel-js/evaluator";
import type { Define } from "./define.ts";
import { celEquals } from "./value.ts";

type Ordered = bigint | number | string | boolean | Date | Duration;

/** Kubernetes' list functions and cel-go's sets. */
export function registerLists(environment: Environment, define: Define): void {
  define("list<T>.isSorted(): bool", (list: Ordered[]) =>
    list.every((item, index) => index === 0 || !isLess(item, list[index - 1] as Ordered)),
  );
  define("list<T>.min(): T", (list: Ordered[]) => extreme("min", list, isLess));
  define("list<T>.max(): T", (list: Ordered[]) => extreme("max", list, (a, b) => isLess(b, a)));
  define("list<T>.sum(): T", sum);
  define("list<T>.k8s_indexOf(T): int", (list: unknown[], item: unknown) =>
    BigInt(list.findIndex((other) => celEquals(other, item))),
  );
  define("list<T>.k8s_lastIndexOf(T): int", (list: unknown[], item: unknown) =>
    BigInt(list.findLastIndex((other) => celEquals(other, item))),
  );

  define("list<T>.slice(int, int): list<T>", slice);
  define("list<T>.distinct(): list<T>", (list: unknown[]) =>
    list.filter((item, index) => list.findIndex((other) => celEquals(other, item)) === index),
  );
  define("list<T>.sort(): list<T>", (list: Ordered[]) =>
    [...list].sort((a, b) => (isLess(a, b) ? -1 : isLess(b, a) ? 1 : 0)),
  );
  define("list<T>.reverse(): list<T>", (list: unknown[]) => [...list].reverse());
  define("list<list<T>>.flatten(): list<T>", (list: unknown[][]) => list.flat());
  define("list<T>.first(): optional<T>", (list: unknown[]) => Optional.of(list[0]));
  define("list<T>.last(): optional<T>", (list: unknown[]) => Optional.of(list.at(-1)));

  class ListsNamespace {}
  environment.registerType("ListsNamespace", ListsNamespace);
  environment.registerConstant("lists", "ListsNamespace", new ListsNamespace());
  define("ListsNamespace.range(int): list<int>", (_: unknown, count: bigint) =>
    Array.from({ length: Number(count) }, (_item, index) => BigInt(index)),
  );

  class SetsNamespace {}
  environment.registerType("SetsNamespace", SetsNamespace);
  environment.registerConstant("sets", "SetsNamespace", new SetsNamespace());
  const covers = (list: unknown[], wanted: unknown[]) =>
    wanted.every((item) => list.some((other) => celEquals(other, item)));
  define("SetsNamespace.contains(list<T>, list<T>): bool", (_: unknown, a: unknown[], b: unknown[]) =>
    covers(a, b),
  );
  define(
    "SetsNamespace.equivalent(list<T>, list<T>): bool",
    (_: unknown, a: unknown[], b: unknown[]) => covers(a, b) && covers(b, a),
  );
  define("SetsNamespace.intersects(list<T>, list<T>): bool", (_: unknown, a: unknown[], b: unknown[]) =>
    a.some((item) => b.some((other) => celEquals(item, other))),
  );
}

function slice(list: unknown[], start: bigint, end: bigint): unknown[] {
  if (start < 0n || end < 0n || start > end || end > BigInt(list.length)) {
    throw new EvaluationError({
      code: "invalid_argument",
      message: `cannot slice(${start}, ${end}), list is length ${list.length}`,
    });
  }
  return list.slice(Number(start), Number(end));
}

function isLess(a: Ordered, b: Ordered): boolean {
  return a < b;
}

function extreme(name: string, list: Ordered[], precedes: (a: Ordered, b: Ordered) => boolean): Ordered {
  const [first, ...rest] = list;
  if (first === undefined) {
    throw new EvaluationError({ code: "empty_list", message: `${name} called on empty list` });
  }
  return rest.reduce((best, item) => (precedes(item, best) ? item : best), first);
}

function sum(list: unknown[]): unknown {
  const [first, ...rest] = list;
  if (first === undefined) return 0n;
  return rest.reduce((total, item) => {
    if (typeof total === "bigint" && typeof item === "bigint") return total + item;
    if (typeof total === "number" && typeof item === "number") return total + item;
    if (total instanceof Duration && item instanceof Duration) return total.addDuration(item);
    throw new EvaluationError({ code: "no_such_overload", message: "no such overload" });
  }, first);
}
