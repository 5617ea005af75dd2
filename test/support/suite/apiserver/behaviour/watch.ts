import { configMap } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, lease, outcome } from "../behaviour.ts";
import type { WatchEvent } from "../connection.ts";

/** `ADDED one 1`: a Lease's events, with the number of its transitions. */
const line = ({ type, object }: WatchEvent) =>
  [type, object.metadata?.name, object.spec?.leaseTransitions].filter((part) => part !== undefined).join(" ");

const lines = (count: number) => (events: WatchEvent[]) => events.length >= count;

const leasesOf = ({ group }: Bench) => `${group("coordination.k8s.io/v1")}/leases`;

async function version({ must }: Bench, path: string): Promise<string> {
  return (await must("GET", path)).metadata.resourceVersion;
}

/** The first `count` events of a watch of the Leases that begins before `act`, with more parameters in `query`. */
async function history(
  bench: Bench,
  count: number,
  act: (path: string) => Promise<unknown>,
  query = "",
): Promise<WatchEvent[]> {
  const path = leasesOf(bench);
  const since = await version(bench, path);
  await act(path);
  return bench.watch(`${path}?watch=true&resourceVersion=${since}${query}`, lines(count));
}

/** Creates, counts up, and deletes the Lease `one`. */
async function live(bench: Bench): Promise<void> {
  const path = leasesOf(bench);
  await bench.must("POST", path, lease("one", { leaseTransitions: 1 }, { labels: { seen: "yes" } }));
  const change = { spec: { leaseTransitions: 2 } };
  await bench.must("PATCH", `${path}/one`, change, { contentType: MERGE });
  await bench.must("DELETE", `${path}/one`);
}

/** A refused watch is an answer on some API servers, and the first event on others. Clients accept both. */
const refusal = ([event]: WatchEvent[]) => [event?.object.code, event?.object.reason];

export const watchArea: Area = {
  title: "Watches",
  behaviours: [
    behaviour(
      "streams what happens after a resourceVersion, in order",
      async (bench) => (await history(bench, 3, () => live(bench))).map(line),
      ["ADDED one 1", "MODIFIED one 2", "DELETED one 2"],
    ),
    behaviour(
      "streams what happens while it watches",
      async (bench) => {
        const path = leasesOf(bench);
        const since = await version(bench, path);
        const query = `watch=true&resourceVersion=${since}`;
        return (await bench.watch(`${path}?${query}`, lines(3), () => live(bench))).map(line);
      },
      ["ADDED one 1", "MODIFIED one 2", "DELETED one 2"],
    ),
    behaviour(
      "begins with the objects that exist when no resourceVersion is given",
      async (bench) => {
        const path = leasesOf(bench);
        await bench.must("POST", path, lease("a"));
        await bench.must("POST", path, lease("b"));
        const seen = await bench.watch(`${path}?watch=true`, lines(2));
        const zero = await bench.watch(`${path}?watch=true&resourceVersion=0`, lines(2));
        return [seen.map(line).sort(), zero.map(line).sort()];
      },
      [
        ["ADDED a", "ADDED b"],
        ["ADDED a", "ADDED b"],
      ],
    ),
    behaviour(
      "gives a deletion a resourceVersion of its own",
      async (bench) => {
        const events = await history(bench, 3, () => live(bench));
        const [added, modified, deleted] = events.map(({ object }) =>
          Number(object.metadata.resourceVersion),
        );
        return [Number(added) < Number(modified), Number(modified) < Number(deleted)];
      },
      [true, true],
    ),
    behaviour(
      "reports an object as added when it begins to match the selector, and as deleted when it ceases to",
      async (bench) => {
        const change = async (path: string) => {
          await bench.must("POST", path, lease("one"));
          for (const labels of [{ seen: "yes" }, { seen: "yes", more: "yes" }, { seen: null }])
            await bench.must("PATCH", `${path}/one`, { metadata: { labels } }, { contentType: MERGE });
        };
        return (await history(bench, 3, change, "&labelSelector=seen")).map(line);
      },
      ["ADDED one", "MODIFIED one", "DELETED one"],
    ),
    behaviour(
      "watches one object by its name",
      async (bench) => {
        const create = async (path: string) => {
          await bench.must("POST", path, lease("two"));
          await bench.must("POST", path, lease("one"));
        };
        return (await history(bench, 1, create, "&fieldSelector=metadata.name%3Done")).map(line);
      },
      ["ADDED one"],
    ),
    behaviour(
      "sends nothing for writes that change nothing, and for dry runs",
      async (bench) => {
        const write = async (path: string) => {
          const one = await bench.must("POST", path, lease("one"));
          await bench.must("PUT", `${path}/one`, one);
          await bench.must("POST", `${path}?dryRun=All`, lease("two"));
          await bench.must("DELETE", `${path}/one?dryRun=All`);
          await bench.must("DELETE", `${path}/one`);
        };
        return (await history(bench, 2, write)).map(line);
      },
      ["ADDED one", "DELETED one"],
    ),
    behaviour(
      "sends a write of the status as a modification",
      async ({ must, watch, gadgets }) => {
        const { metadata } = await must("POST", gadgets, gadget("one"));
        const change = { status: { replicas: 3 } };
        await must("PATCH", `${gadgets}/one/status`, change, { contentType: MERGE });
        const query = `watch=true&resourceVersion=${metadata.resourceVersion}`;
        const events = await watch(`${gadgets}?${query}`, lines(1));
        return events.map(({ type, object }) => [type, object.status]);
      },
      [["MODIFIED", { replicas: 3 }]],
    ),
    behaviour(
      "ends the initial events with a bookmark that says so",
      async (bench) => {
        const path = leasesOf(bench);
        await bench.must("POST", path, lease("one"));
        const query =
          "watch=true&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan";
        const events = await bench.watch(`${path}?${query}`, lines(2));
        const { metadata, kind } = events[1]?.object ?? {};
        return [
          ...events.map(({ type }) => type),
          kind,
          metadata.annotations,
          /^\d+$/.test(metadata.resourceVersion),
        ];
      },
      ["ADDED", "BOOKMARK", "Lease", { "k8s.io/initial-events-end": "true" }, true],
    ),
    behaviour(
      "sends no initial events when the client declines them",
      async (bench) => {
        const path = leasesOf(bench);
        await bench.must("POST", path, lease("one"));
        const query = "watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
        return (await bench.watch(`${path}?${query}`, lines(1))).map(line);
      },
      [],
    ),
    behaviour(
      "refuses initial events without resourceVersionMatch, and the reverse",
      async ({ watch, core }) => {
        const path = `${core}/configmaps?watch=true`;
        return [
          refusal(await watch(`${path}&sendInitialEvents=true`, lines(1))),
          refusal(await watch(`${path}&resourceVersionMatch=NotOlderThan&resourceVersion=1`, lines(1))),
        ];
      },
      [
        [422, "Invalid"],
        [422, "Invalid"],
      ],
    ),
    behaviour(
      "ends after timeoutSeconds",
      async (bench) => {
        const started = Date.now();
        await bench.watch(`${leasesOf(bench)}?watch=true&timeoutSeconds=1`, () => false);
        const took = Date.now() - started;
        return took >= 900 && took < 6_000;
      },
      true,
    ),
    behaviour(
      "reports a resourceVersion that it no longer keeps as expired",
      async ({ must, watch, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        const [event] = await watch(`${gadgets}?watch=true&resourceVersion=1`, lines(1));
        return [event?.type, event?.object.code, event?.object.reason, event?.object.kind];
      },
      ["ERROR", 410, "Expired", "Status"],
      {
        why: "it keeps the last 4,000 changes of each kind",
        tested: "test/integration/playground/apiserver/watch.test.ts",
      },
    ),
    behaviour(
      "waits when a watch begins in the future",
      async ({ watch, core }) =>
        watch(`${core}/configmaps?watch=true&timeoutSeconds=1&resourceVersion=999999999`, lines(1)),
      [],
      {
        code: 504,
        message: "Timeout: Too large resource version: 999999999, current: <number>",
        request: ({ send, core }) => send("GET", `${core}/configmaps?watch=true&resourceVersion=999999999`),
      },
    ),
    behaviour(
      "watches the metadata alone when asked",
      async (bench) => {
        const path = leasesOf(bench);
        await bench.must("POST", path, lease("one", { leaseTransitions: 4 }));
        const accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        const [event] = await bench.watch(`${path}?watch=true`, lines(1), undefined, accept);
        return [event?.type, event?.object.kind, event?.object.apiVersion, event?.object.spec ?? "none"];
      },
      ["ADDED", "PartialObjectMetadata", "meta.k8s.io/v1", "none"],
    ),
    behaviour(
      "watches as a table when asked, with the columns in the first event alone",
      async (bench) => {
        const path = leasesOf(bench);
        await bench.must("POST", path, lease("one"));
        await bench.must("POST", path, lease("two"));
        const accept = "application/json;as=Table;g=meta.k8s.io;v=v1";
        const events = await bench.watch(`${path}?watch=true`, lines(2), undefined, accept);
        return events.map(({ object }) => [
          object.kind,
          (object.columnDefinitions ?? []).length,
          object.rows.length,
        ]);
      },
      [
        ["Table", 3, 1],
        ["Table", 0, 1],
      ],
    ),
    behaviour(
      "requires the right to watch for a watch",
      async ({ send, core }) => {
        const answer = await send("GET", `${core}/configmaps?watch=true`, undefined, { as: "stranger" });
        return [outcome(answer), answer.body.message.includes('cannot watch resource "configmaps"')];
      },
      ["403 Forbidden", true],
    ),
    behaviour(
      "shows one object's history to two watchers alike",
      async ({ must, watch, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const query = `watch=true&resourceVersion=${metadata.resourceVersion}&fieldSelector=metadata.name%3Done`;
        for (const a of ["1", "2", "3"])
          await must("PATCH", `${core}/configmaps/one`, { data: { a } }, { contentType: MERGE });
        const read = async () =>
          (await watch(`${core}/configmaps?${query}`, lines(3))).map(({ object }) => object.data.a).join("");
        return Promise.all([read(), read()]);
      },
      ["123", "123"],
    ),
  ],
};
