import type { KubernetesObject } from "../../../src/api/object.ts";
import type { KubeClient } from "../../../src/kube/client.ts";
import { EVENTS } from "../../../src/kube/resource.ts";
import type { PlannedFault } from "../process/operator-fault.ts";

export interface SeenEvent {
  /** Type, reason and message. */
  text: string;
  count: number;
}

/** How an undisturbed stage ends. `events`: those of every undisturbed run. `possible`: those of any. */
export interface Expected {
  end: string[];
  events: string[];
  possible: string[];
}

/**
 * What an Event may count after one fault: the operator may repeat what it said before. With stale caches, each late event
 * about an object that it wrote may bring one repeat. In a deletion on a busy machine, eleven were seen.
 */
const MAX_COUNT = 20;

/** The Events about an object, by the name of the Event. Those about cluster-scoped objects are in `default`. */
export async function readEvents(
  client: KubeClient,
  about: string,
  namespace = "default",
): Promise<Map<string, SeenEvent>> {
  const { items } = await client.list<
    KubernetesObject & {
      type: string;
      reason: string;
      message: string;
      count: number;
      involvedObject: { name: string };
    }
  >(EVENTS, { namespace });
  return new Map(
    items
      .filter(({ involvedObject }) => involvedObject.name === about)
      .map(({ metadata, type, reason, message, count }) => [
        metadata.name,
        { text: `${type} ${reason}: ${message}`, count },
      ]),
  );
}

/** The Events that were recorded between two reads, each with its new occurrences. */
export const newEvents = (
  before: ReadonlyMap<string, SeenEvent>,
  after: ReadonlyMap<string, SeenEvent>,
): SeenEvent[] =>
  [...after]
    .map(([name, { text, count }]) => ({ text, count: count - (before.get(name)?.count ?? 0) }))
    .filter(({ count }) => count > 0);

export function expectedOf(runs: readonly { end: string[]; events: SeenEvent[] }[]): Expected {
  const texts = runs.map(({ events }) => events.map(({ text }) => text));
  const possible = [...new Set(texts.flat())].sort();
  return {
    end: runs[0]?.end ?? [],
    events: possible.filter((text) => texts.every((some) => some.includes(text))),
    possible,
  };
}

/** The calls of the shortest run. Their number differs between runs, and a planned fault must come in each. */
export const fewestCalls = (runs: readonly { calls: string[] }[]): string[] =>
  runs.map(({ calls }) => calls).reduce((fewest, calls) => (calls.length < fewest.length ? calls : fewest));

/** The API server's final refusals. The operator logs an Event that was refused so, and does not write it again. */
const REFUSALS: ReadonlySet<string> = new Set(["409", "422"]);

/** Each expected Event must be there, none too often. A process that only died has no failure to report. */
export function eventProblems(
  expected: Expected,
  found: readonly SeenEvent[],
  fault: PlannedFault | undefined,
): string[] {
  const texts = found.map(({ text }) => text);
  const missing = expected.events.filter((text) => !texts.includes(text));
  const mayMiss = fault !== undefined && REFUSALS.has(fault.kind) ? 1 : 0;
  const added = fault?.kind === "crash" ? texts.filter((text) => !expected.possible.includes(text)) : [];
  return [
    ...(missing.length > mayMiss ? missing.map((text) => `no Event: ${text}`) : []),
    ...added.map((text) => `unexpected Event: ${text}`),
    ...found.filter(({ count }) => count > MAX_COUNT).map(({ text, count }) => `${count} times: ${text}`),
  ];
}
