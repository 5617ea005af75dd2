import { MERGE } from "../../../server/api-request.ts";
import { type Area, type Bench, behaviour, gadget, outcome, words } from "../behaviour.ts";
import type { Answer } from "../connection.ts";

/** The outcome of creating a gadget with each spec, in a dry run. */
async function tried({ send, gadgets }: Bench, ...specs: object[]): Promise<string[]> {
  const outcomes: string[] = [];
  for (const spec of specs)
    outcomes.push(outcome(await send("POST", `${gadgets}?dryRun=All`, gadget("one", spec))));
  return outcomes;
}

/** The outcome, and the rule's own message. Before it, API servers of different versions show the value differently. */
const outcomeAndMessage = (answer: Answer) => [
  outcome(answer),
  String(answer.body.message).split(": ").at(-1),
];

/** The answer to a merge patch of the spec of a gadget that has the spec `before`. */
async function changed({ must, send, gadgets }: Bench, before: object, change: object) {
  await must("POST", gadgets, gadget("one", before));
  return send("PATCH", `${gadgets}/one`, { spec: change }, { contentType: MERGE });
}

export const schemaArea: Area = {
  title: "Schemas and rules of custom kinds",
  behaviours: [
    behaviour(
      "fills in defaults, in lists too",
      async ({ must, gadgets }) => {
        const { spec } = await must("POST", gadgets, gadget("one", { parts: [{ id: "a" }] }));
        return [spec.colour, spec.parts];
      },
      ["grey", [{ id: "a", weight: 5 }]],
    ),
    behaviour(
      "fills in the default for null where null is not allowed, and keeps it where it is",
      async ({ must, gadgets }) => {
        const { spec } = await must("POST", gadgets, gadget("one", { colour: null, note: null }));
        return [spec.colour, spec.note];
      },
      ["grey", null],
    ),
    behaviour(
      "prunes unknown fields, and keeps those below a field that preserves them",
      async ({ must, gadgets }) => {
        const object = gadget("one", { free: { any: { thing: 1 } }, sise: 1, labels: { a: "b" } });
        const { spec, extra } = await must("POST", gadgets, { ...object, extra: 1 });
        return [spec.free, spec.sise ?? "none", spec.labels, extra ?? "none"];
      },
      [{ any: { thing: 1 } }, "none", { a: "b" }, "none"],
    ),
    behaviour(
      "refuses an object without a required field, and names the field",
      async ({ send, gadgets }) => words(await send("POST", gadgets, { ...gadget("one"), spec: {} })),
      '422 Invalid [<nil> FieldValueInvalid, spec.size FieldValueRequired]: Gadget.conformance.example.org "one" is invalid: [spec.size: Required value, <nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ),
    behaviour("bounds numbers", (bench) => tried(bench, { size: 0 }, { size: 11 }, { size: 10 }), [
      "422 Invalid [spec.size FieldValueInvalid]",
      "422 Invalid [spec.size FieldValueInvalid]",
      "201",
    ]),
    behaviour(
      "bounds texts and lists",
      (bench) => tried(bench, { colour: "x".repeat(11) }, { tags: ["a", "b", "c", "d", "e", "f"] }),
      [
        "422 Invalid [<nil> FieldValueInvalid, spec.colour FieldValueTooLong]",
        "422 Invalid [<nil> FieldValueInvalid, spec.tags FieldValueTooMany]",
      ],
    ),
    behaviour("checks types", (bench) => tried(bench, { size: "1" }, { tags: {} }, { labels: { a: 1 } }), [
      "422 Invalid [<nil> FieldValueInvalid, spec.size FieldValueTypeInvalid]",
      "422 Invalid [<nil> FieldValueInvalid, spec.tags FieldValueTypeInvalid]",
      "422 Invalid [<nil> FieldValueInvalid, spec.labels.a FieldValueTypeInvalid]",
    ]),
    behaviour(
      "checks enumerations, patterns and formats",
      (bench) =>
        tried(bench, { mode: "Odd" }, { code: "abc" }, { since: "yesterday" }, { mode: "Fast", code: "A" }),
      [
        "422 Invalid [<nil> FieldValueInvalid, spec.mode FieldValueNotSupported]",
        "422 Invalid [spec.code FieldValueInvalid]",
        "422 Invalid [<nil> FieldValueInvalid, spec.since FieldValueTypeInvalid]",
        "201",
      ],
    ),
    behaviour(
      "takes a number or a text, and nothing else, for int-or-string",
      (bench) => tried(bench, { port: 80 }, { port: "http" }, { port: true }),
      ["201", "201", "422 Invalid [<nil> FieldValueInvalid, spec.port FieldValueTypeInvalid]"],
    ),
    behaviour(
      "refuses repeated entries of sets and keyed lists",
      (bench) => tried(bench, { tags: ["a", "a"] }, { parts: [{ id: "a" }, { id: "a" }] }),
      ["422 Invalid [spec.tags[1] FieldValueDuplicate]", "422 Invalid [spec.parts[1] FieldValueDuplicate]"],
    ),
    behaviour(
      "names the field of a rule that does not hold",
      async ({ send, gadgets }) => outcomeAndMessage(await send("POST", gadgets, gadget("one", { size: 7 }))),
      ["422 Invalid [spec.size FieldValueInvalid]", "seven is not a size"],
    ),
    behaviour(
      "gives a rule's own reason and computed message",
      async ({ send, gadgets }) => words(await send("POST", gadgets, gadget("one", { replicas: 101 }))),
      '422 Invalid [spec FieldValueForbidden]: Gadget.conformance.example.org "one" is invalid: spec: Forbidden: too many replicas for a small gadget',
    ),
    behaviour("does not check transition rules at creation", (bench) => tried(bench, { region: "east" }), [
      "201",
    ]),
    behaviour(
      "keeps an immutable field from being changed",
      async (bench) => outcomeAndMessage(await changed(bench, { region: "east" }, { region: "west" })),
      ["422 Invalid [spec.region FieldValueInvalid]", "region is immutable"],
    ),
    behaviour(
      "keeps an immutable field from being removed later",
      async (bench) => [
        outcome(await changed(bench, { region: "east" }, { region: null })),
        outcome(
          await bench.send("PATCH", `${bench.gadgets}/one`, { spec: { size: 3 } }, { contentType: MERGE }),
        ),
      ],
      ["422 Invalid [spec FieldValueInvalid]", "200"],
    ),
    behaviour(
      "checks transition rules in a write of the status too",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one", { region: "east" }));
        const change = { spec: { region: "west" }, status: { replicas: 1 } };
        const answer = await send("PATCH", `${gadgets}/one/status`, change, { contentType: MERGE });
        return [outcome(answer), answer.body.spec.region];
      },
      ["200", "east"],
    ),
    behaviour(
      "requires a resourceVersion to replace a custom object",
      async ({ must, send, gadgets }) => {
        await must("POST", gadgets, gadget("one"));
        return outcome(await send("PUT", `${gadgets}/one`, gadget("one", { size: 2 })));
      },
      "422 Invalid [metadata.resourceVersion FieldValueInvalid]",
    ),
    behaviour(
      "serves one object in each served version",
      async ({ must, gadgets, group }) => {
        await must("POST", gadgets, gadget("one"));
        const { apiVersion, metadata } = await must(
          "GET",
          `${group("conformance.example.org/v1beta1")}/gadgets/one`,
        );
        return [apiVersion, metadata.managedFields[0].apiVersion];
      },
      ["conformance.example.org/v1beta1", "conformance.example.org/v1"],
    ),
    behaviour(
      "warns of a deprecated version",
      async ({ send, group }) =>
        (await send("GET", `${group("conformance.example.org/v1beta1")}/gadgets`)).warnings,
      ["conformance.example.org/v1beta1 Gadget is deprecated; use conformance.example.org/v1 Gadget"],
    ),
    behaviour(
      "does not serve a version that is not served",
      async ({ send, group }) =>
        (await send("GET", `${group("conformance.example.org/v1alpha1")}/gadgets`)).status,
      404,
    ),
    behaviour(
      "refuses a custom object of another version than the path's",
      async ({ send, gadgets }) =>
        outcome(
          await send("POST", gadgets, { ...gadget("one"), apiVersion: "conformance.example.org/v1beta1" }),
        ),
      "400 BadRequest",
    ),
  ],
};
