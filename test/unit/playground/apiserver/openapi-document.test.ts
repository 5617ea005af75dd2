import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/playground/apiserver/object.ts";
import { createOpenApi } from "../../../../src/playground/apiserver/openapi/document.ts";
import type { ServedResource } from "../../../../src/playground/apiserver/openapi/served-resource.ts";

const VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const RESOURCES: ServedResource[] = [
  {
    group: "apps",
    version: "v1",
    kind: "Deployment",
    resource: "deployments",
    namespaced: true,
    verbs: VERBS,
  },
  { group: "", version: "v1", kind: "Namespace", resource: "namespaces", namespaced: false, verbs: VERBS },
  {
    group: "x.io",
    version: "v1",
    kind: "Foo",
    resource: "foos",
    namespaced: false,
    verbs: VERBS,
    schema: {
      type: "object",
      description: "A foo.",
      required: ["spec"],
      properties: { spec: { type: "object", properties: { a: { type: "string" } } } },
    },
  },
];

function api(resources = RESOURCES) {
  const state = { resources, generation: 1 };
  const documents = createOpenApi({
    resources: () => state.resources,
    generation: () => state.generation,
    gitVersion: "v1.36.4",
  });
  return { state, documents };
}

/** All `$ref`s of a document, to check their targets. */
function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn);
  if (value === null || typeof value !== "object") return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === "$ref" && typeof member === "string" ? [member] : refsIn(member),
  );
}

describe("OpenAPI v3", () => {
  it("lists a document for each group version, with a URL that changes with the content", () => {
    const { state, documents } = api();
    const addresses = () =>
      documents.v3Index().paths as Record<string, { serverRelativeURL: string } | undefined>;
    const before = addresses();
    expect(Object.keys(before)).toEqual(["apis/apps/v1", "api/v1", "apis/x.io/v1"]);
    expect(before["api/v1"]?.serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=[0-9A-F]{64}$/);
    state.generation++;
    state.resources = RESOURCES.map((resource) =>
      resource.schema === undefined ? resource : { ...resource, schema: { type: "object" } },
    );
    expect(addresses()["api/v1"]).toEqual(before["api/v1"]);
    expect(addresses()["apis/x.io/v1"]).not.toEqual(before["apis/x.io/v1"]);
  });

  it.each([
    ["apps", "v1"],
    ["", "v1"],
    ["x.io", "v1"],
  ])("has a target for every reference of %s/%s", (group, version) => {
    const document = api().documents.v3Document(group, version) as {
      components: { schemas: Record<string, JsonObject> };
    };
    const refs = [...new Set(refsIn(document))];
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of refs) {
      expect(document.components.schemas).toHaveProperty([ref.replace("#/components/schemas/", "")]);
    }
  });

  it("has the members that kubectl reads", () => {
    const document = api().documents.v3Document("apps", "v1") as {
      paths: Record<string, Record<string, JsonObject>>;
      components: { schemas: Record<string, JsonObject> };
    };
    const patch = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]?.patch;
    expect(patch).toMatchObject({
      "x-kubernetes-group-version-kind": { group: "apps", version: "v1", kind: "Deployment" },
      parameters: expect.arrayContaining([
        expect.objectContaining({ name: "dryRun", in: "query" }),
        expect.objectContaining({ name: "fieldValidation", in: "query" }),
      ]),
      requestBody: { content: { "application/strategic-merge-patch+json": expect.anything() } },
    });
    const deployment = document.components.schemas["io.k8s.api.apps.v1.Deployment"];
    expect(deployment).toMatchObject({
      description: "Deployment enables declarative updates for Pods and ReplicaSets.",
      "x-kubernetes-group-version-kind": [{ group: "apps", version: "v1", kind: "Deployment" }],
    });
    expect(document.components.schemas["io.k8s.api.core.v1.Container"]).toMatchObject({
      required: ["name"],
      properties: { env: { "x-kubernetes-patch-merge-key": "name" } },
    });
  });

  it("shows a custom resource as its CRD describes it", () => {
    const document = api().documents.v3Document("x.io", "v1") as {
      components: { schemas: Record<string, JsonObject> };
    };
    expect(document.components.schemas["io.x.v1.Foo"]).toMatchObject({
      type: "object",
      description: "A foo.",
      required: ["spec"],
      properties: {
        metadata: { allOf: [{ $ref: "#/components/schemas/io.k8s.api.meta.v1.ObjectMeta" }] },
        spec: { type: "object", properties: { a: { type: "string" } } },
      },
      "x-kubernetes-group-version-kind": [{ group: "x.io", version: "v1", kind: "Foo" }],
    });
  });

  it("has no document for a group version that is not served", () => {
    expect(api().documents.v3Document("nope.io", "v1")).toBeUndefined();
  });
});

describe("OpenAPI v2", () => {
  it("is one document with every kind, and every reference has a target", () => {
    const document = api().documents.v2Document() as {
      swagger: string;
      definitions: Record<string, JsonObject>;
    };
    expect(document.swagger).toBe("2.0");
    for (const ref of new Set(refsIn(document))) {
      expect(document.definitions).toHaveProperty([ref.replace("#/definitions/", "")]);
    }
    expect(document.definitions).toHaveProperty(["io.x.v1.Foo"]);
  });
});
