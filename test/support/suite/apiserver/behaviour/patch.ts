import { configMap, deployment } from "../../../builder/api-object.ts";
import { JSON_PATCH, MERGE, STRATEGIC } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome } from "../behaviour.ts";

/** The data of a ConfigMap with `a: "1"`, `b: "2"` after a patch, or the refusal. */
async function patched({ must, send, core }: Bench, change: unknown, contentType: string) {
  await must("POST", `${core}/configmaps`, configMap("one", { a: "1", b: "2" }));
  const answer = await send("PATCH", `${core}/configmaps/one`, change, { contentType });
  return answer.status === 200 ? answer.body.data : outcome(answer);
}

async function patchedDeployment({ must, group }: Bench, change: object) {
  const path = `${group("apps/v1")}/deployments`;
  await must("POST", path, { ...deployment("one"), metadata: { name: "one", labels: { old: "yes" } } });
  return must("PATCH", `${path}/one`, change, { contentType: STRATEGIC });
}

interface Container {
  name: string;
  image: string;
  env?: unknown;
}

export const patchArea: Area = {
  title: "Patches",
  behaviours: [
    behaviour(
      "sets and removes members by a merge patch",
      (bench) => patched(bench, { data: { a: null, c: "3" } }, MERGE),
      { b: "2", c: "3" },
    ),
    behaviour(
      "replaces whole lists by a merge patch",
      async ({ must, gadgets }) => {
        await must("POST", gadgets, gadget("one", { tags: ["a", "b"] }));
        const change = { spec: { tags: ["c"] } };
        return (await must("PATCH", `${gadgets}/one`, change, { contentType: MERGE })).spec.tags;
      },
      ["c"],
    ),
    behaviour(
      "tests, replaces, moves, copies and removes by a JSON patch",
      (bench) =>
        patched(
          bench,
          [
            { op: "test", path: "/data/a", value: "1" },
            { op: "replace", path: "/data/a", value: "9" },
            { op: "copy", from: "/data/a", path: "/data/c" },
            { op: "move", from: "/data/b", path: "/data/d" },
            { op: "remove", path: "/data/a" },
            { op: "add", path: "/data/e", value: "x" },
          ],
          JSON_PATCH,
        ),
      { c: "9", d: "2", e: "x" },
    ),
    behaviour(
      "refuses a JSON patch whose test fails",
      (bench) => patched(bench, [{ op: "test", path: "/data/a", value: "2" }], JSON_PATCH),
      "422 Invalid",
    ),
    behaviour(
      "refuses a JSON patch to a member that does not exist",
      (bench) => patched(bench, [{ op: "replace", path: "/data/x/y", value: "2" }], JSON_PATCH),
      "422 Invalid",
    ),
    behaviour(
      "refuses a JSON patch that is not a list",
      (bench) => patched(bench, { op: "test" }, JSON_PATCH),
      "400 BadRequest",
    ),
    behaviour(
      "inserts into and appends to lists by a JSON patch",
      async ({ must, gadgets }) => {
        await must("POST", gadgets, gadget("one", { tags: ["b"] }));
        const change = [
          { op: "add", path: "/spec/tags/0", value: "a" },
          { op: "add", path: "/spec/tags/-", value: "c" },
        ];
        return (await must("PATCH", `${gadgets}/one`, change, { contentType: JSON_PATCH })).spec.tags;
      },
      ["a", "b", "c"],
    ),
    behaviour(
      "merges the containers of a built-in kind by name in a strategic patch",
      async (bench) => {
        const containers = [
          { name: "app", env: [{ name: "A", value: "1" }] },
          { name: "new", image: "n" },
        ];
        const { spec } = await patchedDeployment(bench, { spec: { template: { spec: { containers } } } });
        return spec.template.spec.containers
          .map(({ name, image, env }: Container) => [name, image, env])
          .sort();
      },
      [
        ["app", "example.org/app:1", [{ name: "A", value: "1" }]],
        ["new", "n", undefined],
      ],
    ),
    behaviour(
      "deletes a list's entry by a strategic patch",
      async (bench) => {
        const containers = [
          { name: "new", image: "n" },
          { name: "app", $patch: "delete" },
        ];
        const { spec } = await patchedDeployment(bench, { spec: { template: { spec: { containers } } } });
        return spec.template.spec.containers.map(({ name }: Container) => name);
      },
      ["new"],
    ),
    behaviour(
      "replaces a whole map by a strategic patch",
      async (bench) => {
        const labels = { $patch: "replace", only: "this" };
        return (await patchedDeployment(bench, { metadata: { labels } })).metadata.labels;
      },
      { only: "this" },
    ),
    behaviour(
      "refuses a strategic patch of a custom object",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        const change = { spec: { size: 2 } };
        const { status, body } = await send("PATCH", `${gadgets}/one`, change, { contentType: STRATEGIC });
        return [status, body.reason];
      },
      [415, "UnsupportedMediaType"],
    ),
    behaviour(
      "refuses a patch of an unknown type",
      (bench) => patched(bench, { data: {} }, "application/json"),
      "415 UnsupportedMediaType",
    ),
    behaviour(
      "changes nothing for an empty patch",
      async ({ must, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const after = await must("PATCH", `${core}/configmaps/one`, {}, { contentType: MERGE });
        return after.metadata.resourceVersion === metadata.resourceVersion;
      },
      true,
    ),
    behaviour(
      "refuses a patch of an object that does not exist",
      async ({ send, core }) =>
        outcome(await send("PATCH", `${core}/configmaps/one`, { data: {} }, { contentType: MERGE })),
      "404 NotFound",
    ),
    behaviour(
      "refuses a patch with an older resourceVersion or another uid",
      async ({ must, send, core }) => {
        const { metadata } = await must("POST", `${core}/configmaps`, configMap("one"));
        const patch = (part: object, a: string) =>
          send("PATCH", `${core}/configmaps/one`, { metadata: part, data: { a } }, { contentType: MERGE });
        const { resourceVersion, uid } = metadata;
        return [
          outcome(await patch({ resourceVersion, uid }, "1")),
          outcome(await patch({ resourceVersion }, "2")),
          outcome(await patch({ uid: "00000000-0000-0000-0000-000000000000" }, "3")),
        ];
      },
      ["200", "409 Conflict", "422 Invalid [metadata.uid FieldValueInvalid]"],
    ),
    behaviour(
      "does not rename an object by a patch",
      async ({ must, send, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        const change = { metadata: { name: "two" } };
        return outcome(await send("PATCH", `${core}/configmaps/one`, change, { contentType: MERGE }));
      },
      "400 BadRequest",
    ),
    behaviour(
      "loses none of ten concurrent patches",
      async ({ must, core }) => {
        await must("POST", `${core}/configmaps`, configMap("one"));
        const keys = "abcdefghij".split("");
        await Promise.all(
          keys.map((key) =>
            must("PATCH", `${core}/configmaps/one`, { data: { [key]: key } }, { contentType: MERGE }),
          ),
        );
        return Object.keys((await must("GET", `${core}/configmaps/one`)).data)
          .sort()
          .join("");
      },
      "abcdefghij",
    ),
    behaviour(
      "validates what a patch results in",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        const patch = (spec: object) => send("PATCH", `${gadgets}/one`, { spec }, { contentType: MERGE });
        return [outcome(await patch({ size: 12 })), outcome(await patch({ size: null }))];
      },
      [
        "422 Invalid [spec.size FieldValueInvalid]",
        "422 Invalid [<nil> FieldValueInvalid, spec.size FieldValueRequired]",
      ],
    ),
  ],
};
