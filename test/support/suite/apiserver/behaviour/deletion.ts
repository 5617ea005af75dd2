import { configMap, pod } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome } from "../behaviour.ts";

const HOLD = "conformance.example.org/hold";

/** Creates a gadget that is held by a finalizer. Returns its path. */
async function held({ must, gadgets }: Bench): Promise<string> {
  await must("POST", gadgets, gadget("one", {}, { finalizers: [HOLD] }));
  return `${gadgets}/one`;
}

const release = ({ must }: Bench, path: string) =>
  must("PATCH", path, { metadata: { finalizers: [] } }, { contentType: MERGE });

export const deletionArea: Area = {
  title: "Deletion, finalizers and owners",
  behaviours: [
    behaviour(
      "answers a deletion with the deleted object's uid",
      async ({ must, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const { kind, status, details } = await must("DELETE", `${core}/configmaps/one`);
        return [kind, status, details.name, details.kind, details.uid === metadata.uid];
      },
      ["Status", "Success", "one", "configmaps", true],
    ),
    behaviour(
      "reports the deletion of what does not exist",
      async ({ send, core }) => outcome(await send("DELETE", `${core}/configmaps/one`)),
      "404 NotFound",
    ),
    behaviour(
      "keeps an object with a finalizer, marks it, and counts a generation",
      async (bench) => {
        const path = await held(bench);
        const { kind, metadata } = await bench.must("DELETE", path);
        const { deletionTimestamp, deletionGracePeriodSeconds, generation } = metadata;
        return [kind, typeof deletionTimestamp, deletionGracePeriodSeconds, generation];
      },
      ["Gadget", "string", 0, 2],
    ),
    behaviour(
      "keeps the first deletion's time when it is deleted again",
      async (bench) => {
        const path = await held(bench);
        const first = await bench.must("DELETE", path);
        const second = await bench.must("DELETE", path);
        return first.metadata.deletionTimestamp === second.metadata.deletionTimestamp;
      },
      true,
    ),
    behaviour(
      "removes an object with its last finalizer",
      async (bench) => {
        const path = await held(bench);
        await bench.must("DELETE", path);
        await release(bench, path);
        return outcome(await bench.send("GET", path));
      },
      "404 NotFound",
    ),
    behaviour(
      "accepts no new finalizer while an object is being deleted",
      async (bench) => {
        const path = await held(bench);
        await bench.must("DELETE", path);
        const change = { metadata: { finalizers: [HOLD, "conformance.example.org/late"] } };
        return outcome(await bench.send("PATCH", path, change, { contentType: MERGE }));
      },
      "422 Invalid [metadata.finalizers FieldValueForbidden]",
    ),
    behaviour(
      "lets an object be changed while it is being deleted, but not its deletion time",
      async (bench) => {
        const path = await held(bench);
        await bench.must("DELETE", path);
        const change = { metadata: { deletionTimestamp: null, labels: { a: "b" } }, spec: { size: 2 } };
        const { metadata, spec } = await bench.must("PATCH", path, change, { contentType: MERGE });
        return [typeof metadata.deletionTimestamp, metadata.labels, spec.size];
      },
      ["string", { a: "b" }, 2],
    ),
    behaviour(
      "refuses a finalizer with an invalid name",
      async ({ send, gadgets }) =>
        outcome(await send("POST", gadgets, gadget("one", {}, { finalizers: ["no/such/name"] }))),
      "422 Invalid [metadata.finalizers FieldValueInvalid]",
    ),
    behaviour(
      "deletes only what has the uid of the precondition",
      async ({ must, send, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const remove = (uid: string) => send("DELETE", `${core}/configmaps/one`, { preconditions: { uid } });
        return [
          outcome(await remove("00000000-0000-0000-0000-000000000000")),
          outcome(await remove(metadata.uid)),
        ];
      },
      ["409 Conflict", "200"],
    ),
    behaviour(
      "deletes only what has the resourceVersion of the precondition",
      async ({ must, send, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        await must("PATCH", `${core}/configmaps/one`, { data: { a: "1" } }, { contentType: MERGE });
        const { resourceVersion } = metadata;
        return outcome(
          await send("DELETE", `${core}/configmaps/one`, { preconditions: { resourceVersion } }),
        );
      },
      "409 Conflict",
    ),
    behaviour(
      "holds an object by a finalizer of the collector in a foreground deletion",
      async (bench) => {
        const path = await held(bench);
        const { metadata } = await bench.must("DELETE", path, { propagationPolicy: "Foreground" });
        return [...metadata.finalizers].sort();
      },
      [HOLD, "foregroundDeletion"],
    ),
    behaviour(
      "holds an object by a finalizer of the collector when its dependents are orphaned",
      async (bench) => {
        const path = await held(bench);
        const { metadata } = await bench.must("DELETE", `${path}?propagationPolicy=Orphan`);
        return [...metadata.finalizers].sort();
      },
      [HOLD, "orphan"],
    ),
    behaviour(
      "refuses propagation policies that it does not have, or two at once",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        const remove = (options: object) => send("DELETE", `${core}/configmaps/one`, options);
        return [
          outcome(await remove({ propagationPolicy: "Sideways" })),
          outcome(await remove({ propagationPolicy: "Orphan", orphanDependents: true })),
        ];
      },
      [
        "422 Invalid [propagationPolicy FieldValueNotSupported]",
        "422 Invalid [propagationPolicy FieldValueInvalid]",
      ],
    ),
    behaviour(
      "refuses an owner without a uid, and two controllers",
      async ({ send, core }) => {
        const owner = (name: string, more: object) => ({
          apiVersion: "v1",
          kind: "ConfigMap",
          name,
          ...more,
        });
        const create = (ownerReferences: object[]) =>
          send("POST", `${core}/configmaps`, configMap("one", {}, { ownerReferences }));
        return [
          outcome(await create([owner("a", {})])),
          outcome(
            await create([
              owner("a", { uid: "a", controller: true }),
              owner("b", { uid: "b", controller: true }),
            ]),
          ),
        ];
      },
      [
        "422 Invalid [metadata.ownerReferences.uid FieldValueInvalid]",
        "422 Invalid [metadata.ownerReferences FieldValueInvalid]",
      ],
    ),
    behaviour(
      "deletes the selected of a collection, and answers with them",
      async ({ must, core }) => {
        for (const name of ["a", "b", "c"])
          await must("POST", `${core}/secrets`, {
            metadata: { name, labels: { odd: String(name !== "b") } },
          });
        const { kind, items } = await must("DELETE", `${core}/secrets?labelSelector=odd%3Dtrue`);
        const left = await must("GET", `${core}/secrets`);
        return [kind, items.length, left.items.length];
      },
      ["SecretList", 2, 1],
    ),
    behaviour(
      "marks the held objects of a deleted collection",
      async (bench) => {
        const path = await held(bench);
        await bench.must("POST", bench.gadgets, gadget("two"));
        await bench.must("DELETE", bench.gadgets);
        const { items } = await bench.must("GET", bench.gadgets);
        const { metadata } = await bench.must("GET", path);
        return [items.length, typeof metadata.deletionTimestamp];
      },
      [1, "string"],
    ),
    behaviour(
      "deletes a Pod without a node at once, and one with a node after its grace period",
      async ({ must, send, core }) => {
        await must("POST", `${core}/pods`, pod("free"));
        await must(
          "POST",
          `${core}/pods`,
          pod("bound", { nodeName: "somewhere", terminationGracePeriodSeconds: 7 }),
        );
        await must("DELETE", `${core}/pods/free`);
        const { metadata } = await must("DELETE", `${core}/pods/bound`);
        const forced = await send("DELETE", `${core}/pods/bound`, { gracePeriodSeconds: 0 });
        return [
          outcome(await send("GET", `${core}/pods/free`)),
          metadata.deletionGracePeriodSeconds,
          outcome(forced),
          outcome(await send("GET", `${core}/pods/bound`)),
        ];
      },
      ["404 NotFound", 7, "200", "404 NotFound"],
    ),
    behaviour(
      "takes an owner that does not exist, and leaves it to the collector",
      async ({ send, core }) => {
        const uid = "00000000-0000-0000-0000-000000000000";
        const ownerReferences = [{ apiVersion: "v1", kind: "ConfigMap", name: "gone", uid }];
        return outcome(
          await send("POST", `${core}/configmaps?dryRun=All`, configMap("one", {}, { ownerReferences })),
        );
      },
      "201",
    ),
    behaviour(
      "keeps a dependent whose owner lives",
      async ({ must, core }) => {
        const { metadata: owner } = await must("POST", `${core}/configmaps`, configMap("owner"));
        const reference = { apiVersion: "v1", kind: "ConfigMap", name: "owner", uid: owner.uid };
        const ownerReferences = [{ ...reference, controller: true, blockOwnerDeletion: true }];
        await must("POST", `${core}/configmaps`, configMap("child", {}, { ownerReferences }));
        const { metadata } = await must("GET", `${core}/configmaps/child`);
        return metadata.ownerReferences[0].controller;
      },
      true,
    ),
  ],
};
