import { describe, expect, it } from "vitest";
import { KINDS } from "../../../src/api/kind-list.ts";
import {
  apiVersionOf,
  DEPLOYMENTS,
  keyOf,
  NAMESPACES,
  PODS,
  pathOf,
  resourceOf,
  resourceOfManifest,
  targetOf,
} from "../../../src/kube/resource.ts";

describe("paths", () => {
  it.each([
    [pathOf(PODS), "/api/v1/pods"],
    [pathOf(PODS, { namespace: "a" }), "/api/v1/namespaces/a/pods"],
    [pathOf(DEPLOYMENTS, { namespace: "a", name: "b" }), "/apis/apps/v1/namespaces/a/deployments/b"],
    [pathOf(PODS, { namespace: "a", name: "b" }, "status"), "/api/v1/namespaces/a/pods/b/status"],
    [pathOf(NAMESPACES, { name: "a" }), "/api/v1/namespaces/a"],
  ])("%s", (path, expected) => {
    expect(path).toBe(expected);
  });
});

describe("resources", () => {
  it.each(KINDS)("finds the resource of our kind $kind by its manifest", (definition) => {
    const resource = resourceOf(definition);
    expect(resourceOfManifest({ apiVersion: apiVersionOf(resource), kind: definition.kind })).toEqual(
      resource,
    );
    expect(resource.namespaced).toBe(definition.scope === "Namespaced");
  });

  it("refuses a manifest of a kind that it does not write", () => {
    expect(() => resourceOfManifest({ apiVersion: "v2", kind: "Pod" })).toThrow(
      "no resource is known for v2 Pod",
    );
  });
});

describe("keys", () => {
  it("builds a key from the namespace, if there is one, and the name", () => {
    expect([keyOf({ name: "a" }), keyOf({ namespace: "n", name: "a" })]).toEqual(["a", "n/a"]);
  });
});

describe("targetOf", () => {
  const service = { metadata: { name: "billing" } };
  it.each([
    ["/apis/apps/v1/namespaces/a/deployments/b", undefined, "Deployment a/b"],
    ["/api/v1/namespaces/a/services", service, "Service a/billing"],
    ["/api/v1/namespaces/a", undefined, "Namespace a"],
    ["/api/v1/namespaces", { metadata: { name: "a" } }, "Namespace a"],
    ["/apis/catalyst.openova.io/v1alpha1/sovereigns/a/status", undefined, "Sovereign a, status"],
    ["/api/v1/namespaces/a/pods", undefined, "Pod a"],
    ["/apis/x.example/v1/gadgets/g", undefined, "gadgets g"],
    ["/version", undefined, ""],
  ])("names what %s addresses", (path, body, expected) => {
    expect(targetOf(path, body)).toBe(expected);
  });
});
