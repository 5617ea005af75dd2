// Prints src/playground/apiserver/builtin/schema.json from the OpenAPI v3 documents that a kube-apiserver serves: the
// schemas of the kinds that the embedded API server knows, without descriptions.
//
//   mkdir openapi; for gv in api/v1 apis/apps/v1 …; do kubectl get --raw /openapi/v3/$gv > openapi/$(echo $gv | tr / _).json; done
//   node test/conformance/kubernetes-data/schema.ts openapi > src/playground/apiserver/builtin/schema.json
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { builtinResourceTypes, REVIEWS } from "../../../src/playground/apiserver/builtin/resource.ts";

interface Schema {
  [keyword: string]: unknown;
  $ref?: string;
  allOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  "x-kubernetes-group-version-kind"?: { group: string; version: string; kind: string }[];
}

const KEPT = [
  "type",
  "format",
  "default",
  "required",
  "enum",
  "minimum",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
  "x-kubernetes-map-type",
  "x-kubernetes-patch-strategy",
  "x-kubernetes-patch-merge-key",
  "x-kubernetes-int-or-string",
  "x-kubernetes-preserve-unknown-fields",
];
const PACKAGES =
  /^io\.k8s\.(?:(?:api|apimachinery\.pkg\.apis|apiextensions-apiserver\.pkg\.apis|kube-aggregator\.pkg\.apis)\.|apimachinery\.pkg\.)/;

const wanted = new Set(
  [
    ...builtinResourceTypes(),
    ...REVIEWS,
    { group: "authentication.k8s.io", kind: "TokenRequest" },
    { group: "autoscaling", kind: "Scale" },
  ].map(({ group, kind }) => `${group}/${kind}`),
);

function readSchemas(folder: string): Record<string, Schema> {
  const documents = readdirSync(folder).map(
    (name) =>
      JSON.parse(readFileSync(join(folder, name), "utf8")) as {
        components: { schemas: Record<string, Schema> };
      },
  );
  return Object.assign({}, ...documents.map(({ components }) => components.schemas));
}

function derive(schemas: Record<string, Schema>) {
  const kinds: Record<string, string> = {};
  const definitions: Record<string, Schema> = {};
  const short = (name: string) => name.replace(PACKAGES, "");

  function visit(name: string): string {
    const known = short(name);
    if (definitions[known] === undefined) {
      definitions[known] = {};
      definitions[known] = reduce(schemas[name] ?? {});
    }
    return known;
  }

  function reduce(schema: Schema): Schema {
    const out: Schema = {};
    const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
    if (ref !== undefined) out.$ref = visit(ref.split("/").at(-1) ?? "");
    for (const keyword of KEPT) if (schema[keyword] !== undefined) out[keyword] = schema[keyword];
    if (schema.properties !== undefined) {
      out.properties = Object.fromEntries(
        Object.entries(schema.properties).map(([name, property]) => [name, reduce(property)]),
      );
    }
    if (schema.items !== undefined) out.items = reduce(schema.items);
    if (schema.additionalProperties !== undefined)
      out.additionalProperties = reduce(schema.additionalProperties);
    if (schema.oneOf !== undefined) out["x-kubernetes-int-or-string"] = true;
    return out;
  }

  for (const [name, schema] of Object.entries(schemas)) {
    for (const { group, version, kind } of schema["x-kubernetes-group-version-kind"] ?? []) {
      if (version === "v1" && wanted.has(`${group}/${kind}`)) kinds[`${group}/${kind}`] = visit(name);
    }
  }
  return { kinds, definitions };
}

/** Each member has its own line, so that a diff shows what changed. */
function lines(members: Record<string, unknown>): string {
  return Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${JSON.stringify(members[name])}`)
    .join(",\n");
}

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error("name the folder that holds the OpenAPI v3 documents");
const { kinds, definitions } = derive(readSchemas(folder));
process.stdout.write(`{"kinds":{\n${lines(kinds)}\n},\n"definitions":{\n${lines(definitions)}\n}}\n`);
