import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap } from "../../../support/builder/api-object.ts";
import { startTestApiServer, type TestApiServer } from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(() => api.dispose());

describe("hostile and malformed requests", () => {
  it.each([
    ["not JSON", '{"a"', "application/json", 400],
    ["not an object", "[1]", "application/json", 400],
    ["a form", "a=b", "application/x-www-form-urlencoded", 415],
    ["another kind", { ...configMap("x"), kind: "Secret" }, "application/json", 400],
    ["another namespace", configMap("x", {}, { namespace: "kube-system" }), "application/json", 400],
    ["a value of another type", { ...configMap("x"), data: { a: 1 } }, "application/json", 400],
    ["an invalid name", configMap("Not_A_Name"), "application/json", 422],
    ["an invalid label", configMap("x", {}, { labels: { "a b": "c" } }), "application/json", 422],
    [
      "an owner without uid",
      configMap("x", {}, { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "a" }] }),
      "application/json",
      422,
    ],
    ["YAML that repeats a key", "kind: ConfigMap\nkind: Secret", "application/yaml", 400],
    ["invalid protobuf", "k8s\0\u0001\u0001", "application/vnd.kubernetes.protobuf", 400],
  ])("refuses %s", async (_, body, contentType, status) => {
    const answer = await api.send("POST", CONFIG_MAPS, { body, contentType });
    expect(answer.body).toMatchObject({ kind: "Status", code: status });
  });

  it("refuses a body over the limit with 413", async () => {
    const { status } = await api.send("POST", CONFIG_MAPS, {
      body: configMap("big", { a: "x".repeat(4 * 1024 * 1024) }),
    });
    expect(status).toBe(413);
  });

  it("stores a member named __proto__ like any other", async () => {
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"x"}}`;
    const created = await api.send("POST", CONFIG_MAPS, { body });
    expect(created.status).toBeLessThan(500);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect((await api.send("GET", CONFIG_MAPS)).status).toBe(200);
  });

  it("warns about, refuses or ignores unknown fields, depending on fieldValidation", async () => {
    const body = { ...configMap("odd"), extra: 1 };
    const strict = await api.send("POST", `${CONFIG_MAPS}?fieldValidation=Strict&dryRun=All`, { body });
    expect(strict.body.message).toBe(
      'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "extra"',
    );
    const warned = await api.send("POST", `${CONFIG_MAPS}?fieldValidation=Warn&dryRun=All`, { body });
    expect([warned.status, warned.headers.warning]).toEqual([201, '299 - "unknown field \\"extra\\""']);
    const ignored = await api.send("POST", `${CONFIG_MAPS}?fieldValidation=Ignore&dryRun=All`, { body });
    expect([ignored.status, ignored.headers.warning]).toEqual([201, undefined]);
  });

  it("answers JSON to clients that also accept it, and 406 to those that accept only protobuf", async () => {
    const both = await api.send("GET", CONFIG_MAPS, {
      headers: { accept: "application/vnd.kubernetes.protobuf,application/json" },
    });
    expect([both.status, both.headers["content-type"]]).toEqual([200, "application/json"]);
    const only = await api.send("GET", CONFIG_MAPS, {
      headers: { accept: "application/vnd.kubernetes.protobuf" },
    });
    expect([only.status, only.body.reason]).toEqual([406, "NotAcceptable"]);
  });
});
