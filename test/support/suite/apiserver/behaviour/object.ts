import { configMap, deployment } from "../../../builder/api-object.ts";
import { STRATEGIC } from "../../../server/api-request.ts";
import { type Area, behaviour, lease, outcome, words } from "../behaviour.ts";

export const objectArea: Area = {
  title: "Objects",
  behaviours: [
    behaviour(
      "stamps a new object with uid, resourceVersion and creationTimestamp",
      async ({ must, core, name }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const { uid, resourceVersion, creationTimestamp } = metadata;
        return [
          /^[0-9a-f-]{36}$/.test(uid),
          /^[1-9]\d*$/.test(resourceVersion),
          /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(creationTimestamp),
          metadata.namespace === name,
          "generation" in metadata,
        ];
      },
      [true, true, true, true, false],
    ),
    behaviour(
      "ignores the uid and the time that a client sends for a new object",
      async ({ must, core }) => {
        const claimed = { uid: "mine", creationTimestamp: "2001-01-01T00:00:00Z", generation: 9 };
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one", {}, claimed));
        return [metadata.uid === "mine", metadata.creationTimestamp.startsWith("2001")];
      },
      [false, false],
    ),
    behaviour(
      "refuses to create what exists, and names it",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        const answer = await send("POST", `${core}/configmaps`, configMap("one"));
        return [words(answer), answer.body.details];
      },
      ['409 AlreadyExists: configmaps "one" already exists', { name: "one", kind: "configmaps" }],
    ),
    behaviour(
      "lets one of five concurrent creates win",
      async ({ send, core }) => {
        const all = Array.from({ length: 5 }, () => send("POST", `${core}/configmaps`, configMap("one")));
        return (await Promise.all(all)).map(outcome).sort();
      },
      ["201", ...Array(4).fill("409 AlreadyExists")],
    ),
    behaviour(
      "completes generateName with five characters",
      async ({ must, core }) => {
        const object = { ...configMap(""), metadata: { generateName: "part-" } };
        const { metadata } = await must("POST", `${core}/configmaps`, object);
        return [/^part-[a-z0-9]{5}$/.test(metadata.name), metadata.generateName];
      },
      [true, "part-"],
    ),
    behaviour(
      "prefers a name to generateName",
      async ({ must, core }) => {
        const object = configMap("one", {}, { generateName: "part-" });
        return (await must("POST", `${core}/configmaps`, object)).metadata.name;
      },
      "one",
    ),
    behaviour(
      "requires a name",
      async ({ send, core }) => words(await send("POST", `${core}/configmaps`, { metadata: {} })),
      '422 Invalid [metadata.name FieldValueRequired]: ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
    ),
    behaviour(
      "refuses a name that is not a DNS subdomain",
      async ({ send, core }) => outcome(await send("POST", `${core}/configmaps`, configMap("Not_A_Name"))),
      "422 Invalid [metadata.name FieldValueInvalid]",
    ),
    behaviour(
      "refuses an object for another namespace than the path's",
      async ({ send, core }) =>
        words(await send("POST", `${core}/configmaps`, configMap("one", {}, { namespace: "other" }))),
      "400 BadRequest: the namespace of the provided object does not match the namespace sent on the request",
    ),
    behaviour(
      "refuses a new object in a namespace that does not exist",
      async ({ send }) =>
        words(await send("POST", "/api/v1/namespaces/nowhere/configmaps", configMap("one"))),
      '404 NotFound: namespaces "nowhere" not found',
    ),
    behaviour(
      "refuses a body of another kind or version",
      async ({ send, core }) => [
        outcome(await send("POST", `${core}/configmaps`, { ...configMap("one"), kind: "Secret" })),
        outcome(await send("POST", `${core}/configmaps`, { ...configMap("one"), apiVersion: "v2" })),
      ],
      ["400 BadRequest", "400 BadRequest"],
    ),
    behaviour(
      "fills in kind, version and namespace that the body leaves out",
      async ({ must, core, name }) => {
        const { apiVersion, kind, metadata } = await must("POST", `${core}/configmaps`, {
          metadata: { name: "one" },
        });
        return [apiVersion, kind, metadata.namespace === name];
      },
      ["v1", "ConfigMap", true],
    ),
    behaviour(
      "reports an object that does not exist, with its kind and name",
      async ({ send, group }) => {
        const answer = await send("GET", `${group("apps/v1")}/deployments/one`);
        return [words(answer), answer.body.details];
      },
      ['404 NotFound: deployments.apps "one" not found', { name: "one", group: "apps", kind: "deployments" }],
    ),
    behaviour(
      "does not create by replacing",
      async ({ send, core }) => outcome(await send("PUT", `${core}/configmaps/one`, configMap("one"))),
      "404 NotFound",
    ),
    behaviour(
      "creates a Lease by replacing",
      async ({ send, group }) =>
        outcome(await send("PUT", `${group("coordination.k8s.io/v1")}/leases/one`, lease("one"))),
      "201",
      {
        code: 501,
        message: "this API server does not serve the creation of leases by PUT: use POST",
        request: ({ send, group }) =>
          send("PUT", `${group("coordination.k8s.io/v1")}/leases/one`, lease("one")),
      },
    ),
    behaviour(
      "refuses to replace an older version of an object",
      async ({ must, send, core }) => {
        const path = `${core}/configmaps/one`;
        const first = await must("POST", `${core}/configmaps`, configMap("one"));
        await must("PUT", path, { ...first, data: { a: "1" } });
        return words(await send("PUT", path, { ...first, data: { a: "2" } }));
      },
      '409 Conflict: Operation cannot be fulfilled on configmaps "one": the object has been modified; please apply your changes to the latest version and try again',
    ),
    behaviour(
      "lets one of five concurrent replacements of the same version win",
      async ({ must, send, core }) => {
        const first = await must("POST", `${core}/configmaps`, configMap("one"));
        const all = ["1", "2", "3", "4", "5"].map((a) =>
          send("PUT", `${core}/configmaps/one`, { ...first, data: { a } }),
        );
        return (await Promise.all(all)).map(outcome).sort();
      },
      ["200", ...Array(4).fill("409 Conflict")],
    ),
    behaviour(
      "replaces a built-in object without resourceVersion unconditionally",
      async ({ must, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one", { a: "1" }));
        return (await must("PUT", `${core}/configmaps/one`, configMap("one", { b: "2" }))).data;
      },
      { b: "2" },
    ),
    behaviour(
      "refuses to replace an object of another uid",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        const uid = "00000000-0000-0000-0000-000000000000";
        return outcome(await send("PUT", `${core}/configmaps/one`, configMap("one", {}, { uid })));
      },
      "409 Conflict",
    ),
    behaviour(
      "refuses a replacement under another name than the path's",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        return words(await send("PUT", `${core}/configmaps/one`, configMap("two")));
      },
      "400 BadRequest: the name of the object (two) does not match the name on the URL (one)",
    ),
    behaviour(
      "keeps the resourceVersion when a write changes nothing",
      async ({ must, core }) => {
        const first = await must("POST", `${core}/configmaps`, configMap("one", { a: "1" }));
        const again = await must("PUT", `${core}/configmaps/one`, first);
        return again.metadata.resourceVersion === first.metadata.resourceVersion;
      },
      true,
    ),
    behaviour(
      "refuses invalid labels and annotations",
      async ({ send, core }) => [
        outcome(await send("POST", `${core}/configmaps`, configMap("a", {}, { labels: { "a b": "c" } }))),
        outcome(await send("POST", `${core}/configmaps`, configMap("a", {}, { labels: { a: "b c" } }))),
        outcome(
          await send("POST", `${core}/configmaps`, configMap("a", {}, { annotations: { "a/b/c": "" } })),
        ),
      ],
      [
        "422 Invalid [metadata.labels FieldValueInvalid]",
        "422 Invalid [metadata.labels FieldValueInvalid]",
        "422 Invalid [metadata.annotations FieldValueInvalid]",
      ],
    ),
    behaviour(
      "refuses annotations of more than 256 KiB",
      async ({ send, core }) => {
        const annotations = { long: "x".repeat(256 * 1024) };
        return outcome(await send("POST", `${core}/configmaps`, configMap("one", {}, { annotations })));
      },
      "422 Invalid [metadata.annotations FieldValueTooLong]",
    ),
    behaviour(
      "keeps the data of an immutable ConfigMap, and lets it be deleted",
      async ({ must, send, core }) => {
        const object = { ...configMap("one", { a: "1" }), immutable: true };
        await must("POST", `${core}/configmaps`, object);
        return [
          outcome(await send("PUT", `${core}/configmaps/one`, { ...object, data: { a: "2" } })),
          outcome(await send("PUT", `${core}/configmaps/one`, { ...object, immutable: false })),
          outcome(await send("DELETE", `${core}/configmaps/one`)),
        ];
      },
      ["422 Invalid [data FieldValueForbidden]", "422 Invalid [immutable FieldValueForbidden]", "200"],
    ),
    behaviour(
      "merges a Secret's stringData into its data, and never returns it",
      async ({ must, core }) => {
        const object = { metadata: { name: "one" }, data: { a: "QQ==" }, stringData: { a: "B", c: "C" } };
        const { data, stringData, type } = await must("POST", `${core}/secrets`, object);
        return { data, stringData, type };
      },
      { data: { a: "Qg==", c: "Qw==" }, stringData: undefined, type: "Opaque" },
    ),
    behaviour(
      "does not let a Secret change its type",
      async ({ must, send, core }) => {
        const object = { metadata: { name: "one" }, type: "example.org/a" };
        await must("POST", `${core}/secrets`, object);
        return outcome(await send("PUT", `${core}/secrets/one`, { ...object, type: "example.org/b" }));
      },
      "422 Invalid [type FieldValueInvalid]",
    ),
    behaviour(
      "does not let a Deployment change its selector",
      async ({ must, send, group }) => {
        const path = `${group("apps/v1")}/deployments`;
        await must("POST", path, deployment("one"));
        return outcome(await send("PUT", `${path}/one`, { ...deployment("two"), metadata: { name: "one" } }));
      },
      "422 Invalid [spec.selector FieldValueInvalid]",
    ),
    behaviour(
      "does not let a Job change its template",
      async ({ must, send, group }) => {
        const job = (image: string) => ({
          metadata: { name: "one" },
          spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "app", image }] } } },
        });
        const path = `${group("batch/v1")}/jobs`;
        await must("POST", path, job("example.org/app:1"));
        const change = { spec: job("example.org/app:2").spec };
        return outcome(await send("PATCH", `${path}/one`, change, { contentType: STRATEGIC }));
      },
      "422 Invalid [spec.template FieldValueInvalid]",
    ),
    behaviour(
      "refuses a ConfigMap of more than 1 MiB",
      async ({ send, core }) =>
        outcome(
          await send("POST", `${core}/configmaps`, configMap("one", { a: "x".repeat(1024 * 1024 + 1) })),
        ),
      "422 Invalid [[] FieldValueTooLong]",
    ),
  ],
};
