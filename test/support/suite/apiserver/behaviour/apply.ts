import { configMap, deployment } from "../../../builder/api-object.ts";
import { APPLY, MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome } from "../behaviour.ts";

type Manager = { manager: string; operation: string; subresource?: string; fieldsV1: object };

/** Sends a server-side apply as `manager`. */
function apply({ send }: Bench, path: string, manager: string, config: object, query = "") {
  return send("PATCH", `${path}?fieldManager=${manager}${query}`, config, { contentType: APPLY });
}

const managersOf = ({ body }: { body: { metadata: { managedFields?: Manager[] } } }) =>
  (body.metadata.managedFields ?? []).map(({ manager, operation, subresource }) =>
    [manager, operation, ...(subresource === undefined ? [] : [subresource])].join(" "),
  );

const oneOf = (bench: Bench) => `${bench.core}/configmaps/one`;
const data = (values: Record<string, string>) => configMap("one", values);

export const applyArea: Area = {
  title: "Server-side apply",
  behaviours: [
    behaviour(
      "creates what does not exist, and records the manager's fields",
      async (bench) => {
        const answer = await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        const [{ fieldsV1, manager, operation }] = answer.body.metadata.managedFields;
        return [outcome(answer), manager, operation, fieldsV1];
      },
      ["201", "us", "Apply", { "f:data": { "f:a": {} } }],
    ),
    behaviour(
      "changes nothing when the same is applied again",
      async (bench) => {
        const first = await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        const again = await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        return [outcome(again), again.body.metadata.resourceVersion === first.body.metadata.resourceVersion];
      },
      ["200", true],
    ),
    behaviour(
      "requires a field manager",
      async ({ send, core }) =>
        outcome(await send("PATCH", `${core}/configmaps/one`, data({}), { contentType: APPLY })),
      "422 Invalid [fieldManager FieldValueRequired]",
    ),
    behaviour(
      "refuses to take a field from another manager, and names both",
      async (bench) => {
        await apply(bench, oneOf(bench), "them", data({ a: "1", b: "1" }));
        const { status, body } = await apply(bench, oneOf(bench), "us", data({ a: "2" }));
        return [status, body.reason, body.details.causes];
      },
      [
        409,
        "Conflict",
        [{ reason: "FieldManagerConflict", message: 'conflict with "them"', field: ".data.a" }],
      ],
    ),
    behaviour(
      "takes a field with force, and leaves the other manager the rest",
      async (bench) => {
        await apply(bench, oneOf(bench), "them", data({ a: "1", b: "1" }));
        const { body } = await apply(bench, oneOf(bench), "us", data({ a: "2" }), "&force=true");
        const fields = (name: string) =>
          body.metadata.managedFields.find(({ manager }: Manager) => manager === name)?.fieldsV1;
        return [body.data, fields("us"), fields("them")];
      },
      [{ a: "2", b: "1" }, { "f:data": { "f:a": {} } }, { "f:data": { "f:b": {} } }],
    ),
    behaviour(
      "shares a field between managers that apply the same value, until the last one leaves it",
      async (bench) => {
        await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        await apply(bench, oneOf(bench), "them", data({ a: "1" }));
        const one = await apply(bench, oneOf(bench), "us", data({}));
        const none = await apply(bench, oneOf(bench), "them", data({}));
        return [one.body.data, none.body.data ?? "none"];
      },
      [{ a: "1" }, "none"],
    ),
    behaviour(
      "removes the fields that a manager stops applying",
      async (bench) => {
        await apply(bench, oneOf(bench), "us", data({ a: "1", b: "2" }));
        return (await apply(bench, oneOf(bench), "us", data({ b: "2" }))).body.data;
      },
      { b: "2" },
    ),
    behaviour(
      "keeps the fields of others when a manager stops applying",
      async (bench) => {
        await bench.must("POST", `${bench.core}/configmaps`, data({ a: "1" }));
        await apply(bench, oneOf(bench), "us", data({ b: "2" }));
        return (await apply(bench, oneOf(bench), "us", data({}))).body.data;
      },
      { a: "1" },
    ),
    behaviour(
      "merges keyed lists and sets by entry, and removes a manager's own entries",
      async (bench) => {
        const path = `${bench.gadgets}/one`;
        const config = (ids: string[], tags: string[]) =>
          gadget("one", { parts: ids.map((id) => ({ id, weight: 1 })), tags });
        await apply(bench, path, "us", config(["a", "b"], ["x", "y"]));
        await apply(bench, path, "them", config(["c"], ["z"]));
        const { body } = await apply(bench, path, "us", config(["b"], ["y"]));
        return [body.spec.parts.map(({ id }: { id: string }) => id).sort(), [...body.spec.tags].sort()];
      },
      [
        ["b", "c"],
        ["y", "z"],
      ],
    ),
    behaviour(
      "refuses a keyed list with the same key twice",
      async (bench) => {
        const config = gadget("one", { parts: [{ id: "a" }, { id: "a" }] });
        const { status } = await apply(bench, `${bench.gadgets}/one`, "us", config);
        return status >= 400;
      },
      true,
    ),
    behaviour(
      "treats an atomic map as one value",
      async (bench) => {
        const path = `${bench.gadgets}/one`;
        await apply(bench, path, "them", gadget("one", { settings: { one: "1" } }));
        const answer = await apply(bench, path, "us", gadget("one", { settings: { two: "2" } }));
        return outcome(answer);
      },
      "409 Conflict [.spec.settings FieldManagerConflict]",
    ),
    behaviour(
      "leaves defaulted fields without an owner",
      async (bench) => {
        const path = `${bench.gadgets}/one`;
        const first = await apply(bench, path, "us", gadget("one"));
        const other = await apply(bench, path, "them", gadget("one", { colour: "red" }));
        return [first.body.spec.colour, outcome(other), other.body.spec.colour];
      },
      ["grey", "200", "red"],
    ),
    behaviour(
      "records the status under its subresource, apart from the rest",
      async (bench) => {
        const path = `${bench.gadgets}/one`;
        await apply(bench, path, "us", gadget("one"));
        const status = { ...gadget("one"), spec: undefined, status: { replicas: 2 } };
        const answer = await apply(bench, `${path}/status`, "us", status);
        const entry = answer.body.metadata.managedFields.find(({ subresource }: Manager) => subresource);
        return [managersOf(answer), entry.fieldsV1];
      },
      [["us Apply", "us Apply status"], { "f:status": { "f:replicas": {} } }],
    ),
    behaviour(
      "keeps the status when the object is applied, and the spec when its status is applied",
      async (bench) => {
        const path = `${bench.gadgets}/one`;
        await apply(bench, path, "us", { ...gadget("one"), status: { replicas: 9 } });
        const status = { ...gadget("one", { size: 5 }), status: { replicas: 2 } };
        await apply(bench, `${path}/status`, "them", status, "&force=true");
        const { body } = await apply(bench, path, "us", gadget("one", { size: 3 }));
        return [body.spec.size, body.status];
      },
      [3, { replicas: 2 }],
    ),
    behaviour(
      "records creates and updates under the client's name",
      async ({ must, send, core }) => {
        const options = { userAgent: "kubectl/v1.36 (linux)" };
        await must("POST", `${core}/configmaps`, data({ a: "1" }), options);
        const answer = await send(
          "PATCH",
          `${core}/configmaps/one?fieldManager=us`,
          { data: { a: "2" } },
          { contentType: MERGE },
        );
        return managersOf(answer);
      },
      ["kubectl Update", "us Update"],
    ),
    behaviour(
      "conflicts with a field that an update wrote",
      async (bench) => {
        await bench.must("POST", `${bench.core}/configmaps?fieldManager=them`, data({ a: "1" }));
        const { body } = await apply(bench, oneOf(bench), "us", data({ a: "2" }));
        return body.details.causes.map(({ message }: { message: string }) =>
          /^conflict with "them" using v1/.test(message),
        );
      },
      [true],
    ),
    behaviour(
      "refuses managed fields in an applied object",
      async (bench) => {
        const config = configMap("one", {}, { managedFields: [{ manager: "us", operation: "Apply" }] });
        return outcome(await apply(bench, oneOf(bench), "us", config));
      },
      "400 BadRequest",
    ),
    behaviour(
      "refuses to apply to another resourceVersion or uid",
      async (bench) => {
        await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        const uid = "00000000-0000-0000-0000-000000000000";
        return [
          outcome(await apply(bench, oneOf(bench), "us", configMap("one", {}, { resourceVersion: "1" }))),
          outcome(await apply(bench, oneOf(bench), "us", configMap("one", {}, { uid }))),
          outcome(await apply(bench, `${bench.core}/configmaps/two`, "us", configMap("two", {}, { uid }))),
        ];
      },
      ["409 Conflict", "422 Invalid [metadata.uid FieldValueInvalid]", "409 Conflict"],
    ),
    behaviour(
      "refuses to apply fields that the schema does not have",
      async (bench) => {
        const config = { ...data({}), dta: {} };
        return [
          outcome(await apply(bench, oneOf(bench), "us", config)),
          outcome(await apply(bench, `${bench.gadgets}/one`, "us", gadget("one", { sise: 1 }))),
          outcome(
            await apply(
              bench,
              `${bench.gadgets}/two`,
              "us",
              gadget("two", { sise: 1 }),
              "&fieldValidation=Strict",
            ),
          ),
        ];
      },
      ["500", "500", "500"],
    ),
    behaviour(
      "applies nothing in a dry run",
      async (bench) => {
        const dry = await apply(bench, oneOf(bench), "us", data({ a: "1" }), "&dryRun=All");
        return [outcome(dry), outcome(await bench.send("GET", oneOf(bench)))];
      },
      ["201", "404 NotFound"],
    ),
    behaviour(
      "refuses force and an over-long manager where they do not fit",
      async (bench) => {
        await bench.must("POST", `${bench.core}/configmaps`, data({}));
        const patch = (query: string) =>
          bench.send("PATCH", `${oneOf(bench)}?${query}`, {}, { contentType: MERGE });
        return [outcome(await patch("force=true")), outcome(await patch(`fieldManager=${"x".repeat(129)}`))];
      },
      ["422 Invalid [force FieldValueForbidden]", "422 Invalid [fieldManager FieldValueTooLong]"],
    ),
    behaviour(
      "removes all managers when an update clears them",
      async (bench) => {
        await apply(bench, oneOf(bench), "us", data({ a: "1" }));
        const change = { metadata: { managedFields: [{}] } };
        const { body } = await bench.send("PATCH", oneOf(bench), change, { contentType: MERGE });
        return body.metadata.managedFields ?? "none";
      },
      "none",
    ),
    behaviour(
      "owns a container's fields by its name",
      async (bench) => {
        const path = `${bench.group("apps/v1")}/deployments/one`;
        await apply(bench, path, "us", deployment("one"));
        const containers = [{ name: "app", image: "example.org/app:2" }];
        const config = {
          ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "one" } },
          spec: { template: { spec: { containers } } },
        };
        return outcome(await apply(bench, path, "them", config));
      },
      '409 Conflict [.spec.template.spec.containers[name="app"].image FieldManagerConflict]',
    ),
    behaviour(
      "lets five first appliers create one object together",
      async (bench) => {
        const managers = ["a", "b", "c", "d", "e"];
        await Promise.all(managers.map((name) => apply(bench, oneOf(bench), name, data({ [name]: name }))));
        return Object.keys((await bench.must("GET", oneOf(bench))).data)
          .sort()
          .join("");
      },
      "abcde",
    ),
  ],
};
