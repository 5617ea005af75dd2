import { expect } from "vitest";
import { configMap } from "../../../builder/api-object.ts";
import { MERGE } from "../../../server/api-request.ts";
import { eventually } from "../../../wait.ts";
import { type Area, type Bench, behaviour, gadget, outcome, words } from "../behaviour.ts";

const HOLD = "conformance.example.org/hold";

/** Begins to delete the namespace, which a held gadget keeps. */
async function end({ must, send, gadgets, name }: Bench) {
  await must("POST", gadgets, gadget("held", {}, { finalizers: [HOLD] }));
  const answer = await send("DELETE", `/api/v1/namespaces/${name}`);
  await eventually(async () =>
    expect((await must("GET", `/api/v1/namespaces/${name}`)).status.phase).toBe("Terminating"),
  );
  return answer;
}

export const namespaceArea: Area = {
  title: "Namespaces",
  behaviours: [
    behaviour(
      "gives a namespace its name as a label, a phase and a finalizer",
      async ({ must, name }) => {
        const { metadata, spec, status } = await must("GET", `/api/v1/namespaces/${name}`);
        return [metadata.labels["kubernetes.io/metadata.name"] === name, spec.finalizers, status.phase];
      },
      [true, ["kubernetes"], "Active"],
    ),
    behaviour(
      "puts the label with the name back when it is changed or removed",
      async ({ send, name }) => {
        const patch = async (value: string | null) => {
          const labels = { "kubernetes.io/metadata.name": value };
          return send(
            "PATCH",
            `/api/v1/namespaces/${name}`,
            { metadata: { labels } },
            { contentType: MERGE },
          );
        };
        const removed = await patch(null);
        const changed = await patch("kube-system");
        return [removed, changed].map(
          ({ body }) => body.metadata.labels["kubernetes.io/metadata.name"] === name,
        );
      },
      [true, true],
    ),
    behaviour(
      "requires a DNS label as the name of a namespace",
      async ({ send }) => outcome(await send("POST", "/api/v1/namespaces", { metadata: { name: "a.b" } })),
      "422 Invalid [metadata.name FieldValueInvalid]",
    ),
    behaviour(
      "does not delete the namespaces of Kubernetes",
      async ({ send }) => [
        outcome(await send("DELETE", "/api/v1/namespaces/default")),
        outcome(await send("DELETE", "/api/v1/namespaces/kube-system")),
      ],
      ["403 Forbidden", "403 Forbidden"],
    ),
    behaviour(
      "keeps a deleted namespace until its content is gone",
      async (bench) => {
        const answer = await end(bench);
        const { status, metadata } = await bench.must("GET", `/api/v1/namespaces/${bench.name}`);
        return [outcome(answer), status.phase, typeof metadata.deletionTimestamp];
      },
      ["200", "Terminating", "string"],
    ),
    behaviour(
      "creates nothing in a namespace that is being deleted",
      async (bench) => {
        await end(bench);
        const answer = await eventually(async () => {
          const answer = await bench.send("POST", `${bench.core}/configmaps?dryRun=All`, configMap("late"));
          expect(answer.status).toBe(403);
          return answer;
        });
        return words(answer).replaceAll(bench.name, "NAME");
      },
      '403 Forbidden [metadata.namespace NamespaceTerminating]: configmaps "late" is forbidden: unable to create new content in namespace NAME because it is being terminated',
    ),
    behaviour(
      "lets objects be changed in a namespace that is being deleted",
      async (bench) => {
        await end(bench);
        const change = { spec: { size: 2 } };
        return outcome(await bench.send("PATCH", `${bench.gadgets}/held`, change, { contentType: MERGE }));
      },
      "200",
    ),
    behaviour(
      "has no deletion of all namespaces",
      async ({ send }) => outcome(await send("DELETE", "/api/v1/namespaces?labelSelector=a%3Db")),
      "405 MethodNotAllowed",
    ),
    behaviour(
      "removes the finalizer of a namespace through finalize alone",
      async ({ must, name }) => {
        const path = `/api/v1/namespaces/${name}`;
        const current = await must("GET", path);
        const replaced = await must("PUT", path, { ...current, spec: { finalizers: ["example.org/x"] } });
        const added = await must("PUT", `${path}/finalize`, {
          ...replaced,
          spec: { finalizers: ["kubernetes", "example.org/x"] },
        });
        return [replaced.spec.finalizers, added.spec.finalizers];
      },
      [["kubernetes"], ["kubernetes", "example.org/x"]],
    ),
    behaviour(
      "refuses a namespace in the path of a cluster-scoped kind",
      async ({ send, name }) =>
        (await send("GET", `/apis/rbac.authorization.k8s.io/v1/namespaces/${name}/clusterroles`)).status,
      404,
    ),
    behaviour(
      "lists across namespaces, but creates in one alone",
      async ({ send }) => [
        outcome(await send("GET", "/api/v1/configmaps?limit=1")),
        outcome(await send("POST", "/api/v1/configmaps", configMap("one"))),
      ],
      ["200", "405 MethodNotAllowed"],
    ),
  ],
};
