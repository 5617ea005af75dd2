import { configMap } from "../../../builder/api-object.ts";
import { JSON_PATCH, MERGE } from "../../../server/api-request.ts";
import { type Area, behaviour, gadget, lease, outcome, words } from "../behaviour.ts";

export const requestArea: Area = {
  title: "Requests, dry run and field validation",
  behaviours: [
    behaviour(
      "creates nothing in a dry run, and answers as if it had",
      async ({ send, core }) => {
        const answer = await send("POST", `${core}/configmaps?dryRun=All`, configMap("one"));
        const after = await send("GET", `${core}/configmaps/one`);
        return [outcome(answer), typeof answer.body.metadata.uid, outcome(after)];
      },
      ["201", "string", "404 NotFound"],
    ),
    behaviour(
      "changes and deletes nothing in a dry run",
      async ({ must, core }) => {
        const path = `${core}/configmaps/one`;
        const first = await must("POST", `${core}/configmaps`, configMap("one", { a: "1" }));
        const replaced = await must("PUT", `${path}?dryRun=All`, { ...first, data: { a: "2" } });
        const patched = await must(
          "PATCH",
          `${path}?dryRun=All`,
          { data: { a: "3" } },
          { contentType: MERGE },
        );
        await must("DELETE", `${path}?dryRun=All`);
        await must("DELETE", `${core}/configmaps?dryRun=All`);
        const { data, metadata } = await must("GET", path);
        const same = metadata.resourceVersion === first.metadata.resourceVersion;
        return [replaced.data.a, patched.data.a, data.a, same];
      },
      ["2", "3", "1", true],
    ),
    behaviour(
      "validates in a dry run",
      async ({ send, gadgets }) =>
        outcome(await send("POST", `${gadgets}?dryRun=All`, gadget("one", { size: 11 }))),
      "422 Invalid [spec.size FieldValueInvalid]",
    ),
    behaviour(
      "refuses a dry run of another kind than All",
      async ({ send, core }) =>
        outcome(await send("POST", `${core}/configmaps?dryRun=Some`, configMap("one"))),
      "422 Invalid [dryRun FieldValueNotSupported]",
    ),
    behaviour(
      "refuses unknown fields of a built-in kind under Strict",
      async ({ send, core }) => {
        const object = { ...configMap("one"), dta: {}, metadata: { name: "one", lables: {} } };
        return words(await send("POST", `${core}/configmaps?fieldValidation=Strict`, object));
      },
      '400 BadRequest: ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "metadata.lables", unknown field "dta"',
    ),
    behaviour(
      "refuses unknown fields of a custom kind under Strict",
      async ({ send, gadgets }) => {
        const object = gadget("one", { sise: 1, parts: [{ id: "a", wait: 1 }] });
        return words(await send("POST", `${gadgets}?fieldValidation=Strict`, object));
      },
      '400 BadRequest: Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.parts[0].wait", unknown field "spec.sise"',
    ),
    behaviour(
      "warns of unknown fields by default, and drops them",
      async ({ send, gadgets }) => {
        const { body, warnings } = await send("POST", gadgets, gadget("one", { sise: 1 }));
        return [warnings, "sise" in body.spec];
      },
      [['unknown field \\"spec.sise\\"'], false],
    ),
    behaviour(
      "ignores unknown fields under Ignore",
      async ({ send, gadgets }) =>
        (await send("POST", `${gadgets}?fieldValidation=Ignore`, gadget("one", { sise: 1 }))).warnings,
      [],
    ),
    behaviour(
      "refuses repeated fields under Strict",
      async ({ send, core }) => {
        const text = '{"metadata":{"name":"one"},"data":{"a":"1"},"data":{"a":"2"}}';
        return outcome(await send("POST", `${core}/configmaps?fieldValidation=Strict`, text));
      },
      "400 BadRequest",
    ),
    behaviour(
      "refuses a field validation that it does not have",
      async ({ send, core }) =>
        outcome(await send("POST", `${core}/configmaps?fieldValidation=Loose`, configMap("one"))),
      "422 Invalid [fieldValidation FieldValueNotSupported]",
    ),
    behaviour(
      "refuses unknown fields of a merge patch under Strict",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        const path = `${gadgets}/one?fieldValidation=Strict`;
        const answer = await send("PATCH", path, { spec: { sise: 1 } }, { contentType: MERGE });
        return outcome(answer);
      },
      "422 Invalid [patch FieldValueInvalid]",
    ),
    behaviour(
      "refuses a built-in object with a field of the wrong type",
      async ({ send, core }) =>
        outcome(await send("POST", `${core}/configmaps`, { metadata: { name: "one" }, data: "text" })),
      "400 BadRequest",
    ),
    behaviour(
      "refuses malformed JSON",
      async ({ send, core }) => outcome(await send("POST", `${core}/configmaps`, '{"metadata":')),
      "400 BadRequest",
    ),
    behaviour(
      "reads YAML",
      async ({ send, core }) => {
        const text = "metadata:\n  name: one\ndata:\n  a: b\n";
        const answer = await send("POST", `${core}/configmaps`, text, { contentType: "application/yaml" });
        return answer.body.data;
      },
      { a: "b" },
    ),
    behaviour(
      "refuses a media type that it cannot read",
      async ({ send, core }) =>
        outcome(await send("POST", `${core}/configmaps`, "<a/>", { contentType: "application/xml" })),
      "415 UnsupportedMediaType",
    ),
    behaviour(
      "refuses a media type that it cannot write",
      async ({ send, core }) => {
        const { status } = await send("GET", `${core}/configmaps`, undefined, { accept: "text/html" });
        return status;
      },
      406,
    ),
    behaviour(
      "refuses a request of more than 3 MiB",
      async ({ send, core }) => {
        const object = configMap("one", { a: "x".repeat(3 * 1024 * 1024) });
        const { status, body } = await send("POST", `${core}/configmaps`, object);
        return [status, body.reason];
      },
      [413, "RequestEntityTooLarge"],
    ),
    behaviour(
      "answers 404 for resources that are not defined",
      async ({ send, core, group }) => [
        outcome(await send("GET", `${core}/gizmos`)),
        (await send("GET", `${group("nowhere.example.org/v1")}/gizmos`)).status,
        (await send("GET", `${group("apps/v2")}/deployments`)).status,
      ],
      ["404 NotFound", 404, 404],
    ),
    behaviour(
      "allows on a collection and on an object only their own methods",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        return [
          outcome(await send("POST", `${core}/configmaps/one`, configMap("one"))),
          outcome(await send("PUT", `${core}/configmaps`, configMap("one"))),
          outcome(await send("PATCH", `${core}/configmaps`, [], { contentType: JSON_PATCH })),
          outcome(await send("DELETE", "/api/v1/namespaces")),
        ];
      },
      Array(4).fill("405 MethodNotAllowed"),
    ),
    behaviour(
      "answers every refusal as a Status",
      async ({ send, core }) => {
        const { body } = await send("GET", `${core}/configmaps/one`);
        return body;
      },
      {
        kind: "Status",
        apiVersion: "v1",
        metadata: {},
        status: "Failure",
        message: 'configmaps "one" not found',
        reason: "NotFound",
        details: { name: "one", kind: "configmaps" },
        code: 404,
      },
    ),
    behaviour(
      "lets one of two candidates take a Lease",
      async ({ must, send, group }) => {
        const path = `${group("coordination.k8s.io/v1")}/leases`;
        const free = await must("POST", path, lease("leader", { leaseDurationSeconds: 15 }));
        const take = (holderIdentity: string) =>
          send("PUT", `${path}/leader`, { ...free, spec: { ...free.spec, holderIdentity } });
        return (await Promise.all([take("a"), take("b")])).map(outcome).sort();
      },
      ["200", "409 Conflict"],
    ),
    behaviour(
      "keeps the microseconds of a Lease's times",
      async ({ must, group }) => {
        const renewTime = "2026-01-02T03:04:05.678901Z";
        const path = `${group("coordination.k8s.io/v1")}/leases`;
        return (await must("POST", path, lease("one", { renewTime }))).spec.renewTime;
      },
      "2026-01-02T03:04:05.678901Z",
    ),
    behaviour(
      "refuses a Lease with an invalid time or duration",
      async ({ send, group }) => {
        const path = `${group("coordination.k8s.io/v1")}/leases`;
        return [
          outcome(await send("POST", path, lease("one", { leaseDurationSeconds: 0 }))),
          outcome(await send("POST", path, lease("one", { leaseTransitions: -1 }))),
          outcome(await send("POST", path, lease("one", { renewTime: "2026-01-02" }))),
        ];
      },
      [
        "422 Invalid [spec.leaseDurationSeconds FieldValueInvalid]",
        "422 Invalid [spec.leaseTransitions FieldValueInvalid]",
        "400 BadRequest",
      ],
    ),
  ],
};
