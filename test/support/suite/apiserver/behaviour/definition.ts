import { expect } from "vitest";
import { MERGE } from "../../../server/api-request.ts";
import { eventually, until } from "../../../wait.ts";
import { type Area, type Bench, behaviour, outcome } from "../behaviour.ts";
import { CRDS, define, definitionOf } from "../gadget.ts";

const SPEC = "spec.versions[0].schema.openAPIV3Schema";

/** The causes of the refusal of a definition with this schema below `spec`. */
async function refusedSchema({ send }: Bench, property: object): Promise<string> {
  const schema = { type: "object", properties: { spec: property } };
  const answer = await send("POST", `${CRDS}?dryRun=All`, definitionOf("oddity", {}, schema));
  return outcome(answer).replaceAll("spec.validation.openAPIV3Schema", "SCHEMA").replaceAll(SPEC, "SCHEMA");
}

const free = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

export const definitionArea: Area = {
  title: "CustomResourceDefinitions",
  behaviours: [
    behaviour(
      "establishes a definition, and says so in its conditions",
      async (bench) => {
        await define(bench, definitionOf("alpha", {}, free));
        const { status } = await bench.must("GET", `${CRDS}/alphas.conformance.example.org`);
        const conditions = status.conditions as { type: string; status: string }[];
        return [
          conditions
            .filter(({ type }) => ["NamesAccepted", "Established"].includes(type))
            .map(({ type, status }) => `${type} ${status}`)
            .sort(),
          status.storedVersions,
          status.acceptedNames,
        ];
      },
      [
        ["Established True", "NamesAccepted True"],
        ["v1"],
        { plural: "alphas", singular: "alpha", kind: "Alpha", listKind: "AlphaList" },
      ],
    ),
    behaviour(
      "refuses a definition whose name is not its plural and group",
      async ({ send }) => {
        const definition = { ...definitionOf("beta"), metadata: { name: "betas.other.example.org" } };
        return outcome(await send("POST", CRDS, definition));
      },
      "422 Invalid [metadata.name FieldValueInvalid]",
    ),
    behaviour(
      "refuses a schema that is not structural",
      async (bench) => [
        await refusedSchema(bench, { properties: { a: { type: "string" } } }),
        await refusedSchema(bench, { type: "object", anyOf: [{ properties: { a: { type: "string" } } }] }),
      ],
      [
        "422 Invalid [SCHEMA.properties[spec].type FieldValueRequired]",
        "422 Invalid [SCHEMA.properties[spec].anyOf[0].properties[a].type FieldValueForbidden]",
      ],
    ),
    behaviour(
      "refuses a default that its schema refuses",
      (bench) => refusedSchema(bench, { type: "object", properties: { a: { type: "string", default: 1 } } }),
      "422 Invalid [SCHEMA.properties[spec].properties[a].default FieldValueTypeInvalid]",
    ),
    behaviour(
      "refuses a rule that does not compile",
      (bench) =>
        refusedSchema(bench, { type: "object", "x-kubernetes-validations": [{ rule: "self.a ==" }] }),
      "422 Invalid [SCHEMA.properties[spec].x-kubernetes-validations[0].rule FieldValueInvalid]",
    ),
    behaviour(
      "refuses a rule about a field that its schema does not have",
      (bench) =>
        refusedSchema(bench, { type: "object", "x-kubernetes-validations": [{ rule: "self.absent == 1" }] }),
      "422 Invalid [SCHEMA.properties[spec].x-kubernetes-validations[0].rule FieldValueInvalid]",
    ),
    behaviour(
      "refuses a rule that may cost too much",
      (bench) =>
        refusedSchema(bench, {
          type: "array",
          items: { type: "array", items: { type: "string" } },
          "x-kubernetes-validations": [
            { rule: "self.all(a, self.all(b, a.all(c, b.all(d, c != d + 'x'))))" },
          ],
        }),
      "422 Invalid [SCHEMA FieldValueForbidden, SCHEMA.properties[spec].x-kubernetes-validations[0].rule FieldValueForbidden]",
      { why: "it estimates no cost of rules", tested: "test/support/suite/apiserver/definition.ts" },
    ),
    behaviour(
      "refuses a keyed list without keys",
      (bench) =>
        refusedSchema(bench, {
          type: "array",
          "x-kubernetes-list-type": "map",
          items: { type: "object", properties: { id: { type: "string" } } },
        }),
      "422 Invalid [SCHEMA.properties[spec].x-kubernetes-list-map-keys FieldValueRequired]",
    ),
    behaviour(
      "refuses a definition without a storage version, and with two",
      async ({ send }) => {
        const version = (name: string, storage: boolean) => ({
          ...{ name, served: true, storage },
          schema: { openAPIV3Schema: free },
        });
        const outcomes: string[] = [];
        for (const storage of [false, true]) {
          const versions = [version("v1", storage), version("v2", storage)];
          outcomes.push(outcome(await send("POST", CRDS, definitionOf("gamma", { versions }))));
        }
        return outcomes;
      },
      [
        "422 Invalid [spec.versions FieldValueInvalid, status.storedVersions FieldValueInvalid]",
        "422 Invalid [spec.versions FieldValueInvalid, status.storedVersions FieldValueInvalid]",
      ],
    ),
    behaviour(
      "does not remove a version that objects may be stored in",
      async (bench) => {
        await define(bench, definitionOf("delta", {}, free));
        const path = `${CRDS}/deltas.conformance.example.org`;
        const current = await bench.must("GET", path);
        current.spec.versions[0].name = "v2";
        return outcome(await bench.send("PUT", path, current));
      },
      "422 Invalid [status.storedVersions[0] FieldValueInvalid]",
    ),
    behaviour(
      "does not let a definition change its scope or group",
      async (bench) => {
        await define(bench, definitionOf("epsilon", {}, free));
        const patch = (change: object) =>
          bench.send(
            "PATCH",
            `${CRDS}/epsilons.conformance.example.org`,
            { spec: change },
            { contentType: MERGE },
          );
        return [
          outcome(await patch({ scope: "Cluster" })),
          outcome(await patch({ group: "other.example.org" })),
        ];
      },
      ["422 Invalid [spec.scope FieldValueInvalid]", "422 Invalid [spec.group FieldValueInvalid]"],
    ),
    behaviour(
      "applies a changed schema to the next write",
      async (bench) => {
        const path = await define(bench, definitionOf("zeta", {}, free));
        const bounded = { type: "object", properties: { a: { type: "string", default: "new" } } };
        const definition = `${CRDS}/zetas.conformance.example.org`;
        const current = await bench.must("GET", definition);
        current.spec.versions[0].schema.openAPIV3Schema = bounded;
        await bench.must("PUT", definition, current);
        const body = { apiVersion: "conformance.example.org/v1", kind: "Zeta", metadata: { name: "one" } };
        return until(
          async () => (await bench.send("POST", `${path}?dryRun=All`, body)).body.a as string | undefined,
          "the field has its default",
        );
      },
      "new",
    ),
    behaviour(
      "lets a stored object break a new rule in fields that a write leaves as they are",
      async (bench) => {
        const text = (changes: object) => ({
          type: "object",
          properties: { a: { type: "string", ...changes }, b: { type: "string" } },
        });
        const path = await define(bench, definitionOf("eta", {}, text({})));
        const body = { apiVersion: "conformance.example.org/v1", kind: "Eta", metadata: { name: "one" } };
        await bench.must("POST", path, { ...body, a: "long" });
        const definition = `${CRDS}/etas.conformance.example.org`;
        const current = await bench.must("GET", definition);
        current.spec.versions[0].schema.openAPIV3Schema = text({ maxLength: 2 });
        await bench.must("PUT", definition, current);
        await eventually(async () =>
          expect(
            (
              await bench.send("POST", `${path}?dryRun=All`, {
                ...body,
                metadata: { name: "two" },
                a: "long",
              })
            ).status,
          ).toBe(422),
        );
        const patch = (change: object) => bench.send("PATCH", `${path}/one`, change, { contentType: MERGE });
        return [outcome(await patch({ b: "x" })), outcome(await patch({ a: "other" }))];
      },
      ["200", "422 Invalid [a FieldValueTooLong]"],
    ),
    behaviour(
      "deletes the objects of a deleted definition, and no longer serves the kind",
      async (bench) => {
        const path = await define(bench, definitionOf("theta", {}, free));
        const body = { apiVersion: "conformance.example.org/v1", kind: "Theta", metadata: { name: "one" } };
        await bench.must("POST", path, body);
        await bench.must("DELETE", `${CRDS}/thetas.conformance.example.org`);
        await eventually(async () =>
          expect((await bench.send("GET", `${CRDS}/thetas.conformance.example.org`)).status).toBe(404),
        );
        const after = await eventually(async () => {
          const answer = await bench.send("GET", path);
          expect(answer.status).toBe(404);
          return answer;
        });
        return after.status;
      },
      404,
    ),
    behaviour(
      "rejects the names of another definition in its conditions",
      async (bench) => {
        await bench.must(
          "POST",
          CRDS,
          definitionOf("iota", { names: { plural: "iotas", kind: "Gadget" } }, free),
        );
        const { body } = await eventually(async () => {
          const answer = await bench.send("GET", `${CRDS}/iotas.conformance.example.org`);
          expect(answer.body.status?.conditions?.length).toBeGreaterThan(0);
          return answer;
        });
        return body.status.conditions
          .filter(({ type }: { type: string }) => type === "NamesAccepted")
          .map(({ status, reason }: { status: string; reason: string }) => [status, reason]);
      },
      [["False", "ListKindConflict"]],
    ),
    behaviour(
      "calls a conversion webhook between versions",
      async ({ send }) => {
        const url = "https://127.0.0.1:1/convert";
        const webhook = { conversionReviewVersions: ["v1"], clientConfig: { url } };
        const definition = definitionOf("kappa", { conversion: { strategy: "Webhook", webhook } }, free);
        return outcome(await send("POST", `${CRDS}?dryRun=All`, definition));
      },
      "201",
      {
        code: 422,
        message:
          'CustomResourceDefinition.apiextensions.k8s.io "kappas.conformance.example.org" is invalid: spec.conversion.strategy: Forbidden: this API server calls no conversion webhooks: use None',
        request: ({ send }) => {
          const conversion = { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"] } };
          return send("POST", CRDS, definitionOf("kappa", { conversion }, free));
        },
      },
    ),
    behaviour(
      "shows no custom object of a kind before it is defined",
      async ({ send, group }) => (await send("GET", `${group("conformance.example.org/v1")}/lambdas`)).status,
      404,
    ),
  ],
};
