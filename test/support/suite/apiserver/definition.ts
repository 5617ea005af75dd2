import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { APPLY } from "../../server/api-request.ts";
import { eventually, until } from "../../wait.ts";
import type { Connection } from "./connection.ts";
import { CRDS } from "./gadget.ts";

const ROOT = join(import.meta.dirname, "../../../..");
const run = promisify(execFile);
const KUBECTL = join(process.env.KUBEBUILDER_ASSETS ?? "", "kubectl");
const API = "apis/catalyst.openova.io/v1alpha1";

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
}

interface Condition {
  type: string;
  status: string;
}

interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
}

const manifestsIn = <T>(folder: string): [file: string, manifest: T][] =>
  readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => [file, parse(readFileSync(join(ROOT, folder, file), "utf8")) as T]);

const definitions = manifestsIn<Manifest & { spec: { names: { kind: string; plural: string } } }>("crds");
const plurals = Object.fromEntries(definitions.map(([, { spec }]) => [spec.names.kind, spec.names.plural]));
const examples = manifestsIn<Manifest>("docs/examples").filter(([, { kind }]) => kind in plurals);

const apply = (connection: Connection, path: string, manifest: object) =>
  connection.send("PATCH", `${path}?fieldManager=conformance&fieldValidation=Strict`, manifest, {
    contentType: APPLY,
  });

/** The fields below a schema, by path. */
function* fieldsOf(schema: Schema, path: string): Iterable<[path: string, schema: Schema]> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    if (path === "" && ["apiVersion", "kind", "metadata"].includes(name)) continue;
    yield [`${path}.${name}`, field];
    yield* fieldsOf(field, `${path}.${name}`);
  }
  if (schema.items !== undefined) yield* fieldsOf(schema.items, `${path}[]`);
  if (typeof schema.additionalProperties === "object")
    yield* fieldsOf(schema.additionalProperties, `${path}{}`);
}

/** The shipped definitions on an API server. The CEL cost of their rules is within its budget, or it would refuse them. */
export function describeDefinitions(connection: () => Connection, kubeconfigPath: () => string): void {
  describe("the shipped definitions", () => {
    it.each(definitions)("%s is accepted without a warning, and established", async (_file, definition) => {
      const path = `${CRDS}/${definition.metadata.name}`;
      const { status, warnings, body } = await apply(connection(), path, definition);
      expect({ status, warnings, message: body.message }).toEqual({
        status: 201,
        warnings: [],
        message: undefined,
      });
      await eventually(async () => {
        const conditions: Condition[] = (await connection().must("GET", path)).status.conditions;
        expect(Object.fromEntries(conditions.map(({ type, status }) => [type, status]))).toEqual({
          NamesAccepted: "True",
          Established: "True",
        });
      });
    });

    it.each(definitions)(
      "%s has a sentence about each field in the published schema",
      async (_file, { spec }) => {
        const [, schema] = await until(async () => {
          const { body } = await connection().send("GET", `/openapi/v3/${API}`);
          const schemas: Record<string, Schema> = body.components?.schemas ?? {};
          return Object.entries(schemas).find(([name]) => name.endsWith(`.${spec.names.kind}`));
        }, `the OpenAPI document has ${spec.names.kind}`);
        const fields = [...fieldsOf(schema, "")];
        expect(fields.length).toBeGreaterThan(5);
        expect(schema.description).toMatch(/^[A-Z`].*\.$/s);
        const unclear = fields.filter(
          ([, { description = "" }]) => !/^[A-Z0-9`'"].*[.)]$/s.test(description),
        );
        expect(unclear.map(([path, { description }]) => `${path}: ${description}`)).toEqual([]);
      },
    );

    it.each(definitions)(
      "%s is explained by kubectl, with what each field of its spec is for",
      async (_file, { spec }) => {
        for (const path of [spec.names.plural, `${spec.names.plural}.spec`]) {
          const { stdout } = await run(KUBECTL, ["explain", path, "--kubeconfig", kubeconfigPath()]);
          expect(stdout).toMatch(/^DESCRIPTION:\n {4}[A-Z`]/m);
          expect(stdout).not.toMatch(/<(no description|empty)>/);
        }
      },
    );

    it.each(examples)(
      "docs/examples/%s is read back as written, and applied again without a change",
      async (_file, example) => {
        const { namespace, name } = example.metadata;
        const scope = namespace === undefined ? "" : `/namespaces/${namespace}`;
        if (namespace !== undefined)
          await connection().send("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
        const path = `/${API}${scope}/${plurals[example.kind]}/${name}`;
        const first = await apply(connection(), path, example);
        expect([first.status, first.warnings, first.body.message]).toEqual([201, [], undefined]);
        expect(await connection().must("GET", path)).toMatchObject(example);
        // The first write after the creation stores the default of the status.
        const second = await apply(connection(), path, example);
        const third = await apply(connection(), path, example);
        expect([third.status, third.body.metadata.resourceVersion]).toEqual([
          200,
          second.body.metadata.resourceVersion,
        ]);
        expect(third.body.metadata.generation).toBe(first.body.metadata.generation);
      },
    );
  });
}
