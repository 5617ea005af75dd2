import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  configMap,
  deployment,
  JSON_PATCH,
  MERGE,
  STRATEGIC,
  startTestApiServer,
  type TestApiServer,
} from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(() => api.dispose());

describe("objects", () => {
  it("stamps what it creates and answers it as read", async () => {
    const created = await api.must("POST", CONFIG_MAPS, configMap("stamped", { a: "1" }));
    expect(created.metadata).toMatchObject({
      name: "stamped",
      namespace: "default",
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(await api.must("GET", `${CONFIG_MAPS}/stamped`)).toEqual(created);
  });

  it("makes names of generateName", async () => {
    const names = await Promise.all(
      [1, 2].map(() =>
        api.must("POST", CONFIG_MAPS, { ...configMap(""), metadata: { generateName: "made-" } }),
      ),
    );
    for (const { metadata } of names) expect(metadata.name).toMatch(/^made-[a-z0-9]{5}$/);
    expect(new Set(names.map(({ metadata }) => metadata.name)).size).toBe(2);
  });

  it.each([
    ["GET", `${CONFIG_MAPS}/nope`, undefined, 404, "NotFound", 'configmaps "nope" not found'],
    ["GET", `${DEPLOYMENTS}/nope`, undefined, 404, "NotFound", 'deployments.apps "nope" not found'],
    ["DELETE", `${DEPLOYMENTS}/nope`, undefined, 404, "NotFound", 'deployments.apps "nope" not found'],
    [
      "POST",
      "/api/v1/namespaces/nope/configmaps",
      configMap("a"),
      404,
      "NotFound",
      'namespaces "nope" not found',
    ],
    [
      "GET",
      "/apis/example.org/v1/things",
      undefined,
      404,
      "NotFound",
      "the server could not find the requested resource",
    ],
    [
      "PUT",
      CONFIG_MAPS,
      configMap("a"),
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      "DELETE",
      "/api/v1/namespaces",
      undefined,
      405,
      "MethodNotAllowed",
      "the server does not allow this method on the requested resource",
    ],
    [
      "GET",
      "/api/v1/namespaces/default/pods/p/exec",
      undefined,
      501,
      "NotImplemented",
      "this API server does not serve pods/exec",
    ],
    [
      "DELETE",
      "/api/v1/namespaces/default",
      undefined,
      403,
      "Forbidden",
      'namespaces "default" is forbidden: this namespace may not be deleted',
    ],
  ])("answers %s %s with a Status", async (method, path, body, status, reason, message) => {
    const answer = await api.send(method, path, body === undefined ? {} : { body });
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ kind: "Status", status: "Failure", reason, message, code: status });
  });

  it("refuses a second object of one name, with details that clients read", async () => {
    await api.must("POST", DEPLOYMENTS, deployment("twice"));
    const { status, body } = await api.send("POST", DEPLOYMENTS, { body: deployment("twice") });
    expect(status).toBe(409);
    expect(body).toMatchObject({
      reason: "AlreadyExists",
      message: 'deployments.apps "twice" already exists',
      details: { name: "twice", group: "apps", kind: "deployments" },
    });
  });

  it("lets one of two concurrent creates win", async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        api.send("POST", CONFIG_MAPS, { body: configMap("race", { index: `${index}` }) }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(409)]);
  });

  it("refuses an update of an object that has changed since", async () => {
    const first = await api.must("POST", CONFIG_MAPS, configMap("stale", { a: "1" }));
    await api.must("PUT", `${CONFIG_MAPS}/stale`, { ...first, data: { a: "2" } });
    const { status, body } = await api.send("PUT", `${CONFIG_MAPS}/stale`, {
      body: { ...first, data: { a: "3" } },
    });
    expect(status).toBe(409);
    expect(body.reason).toBe("Conflict");
    expect(body.message).toBe(
      'Operation cannot be fulfilled on configmaps "stale": the object has been modified; please apply your changes to the latest version and try again',
    );
  });

  it("loses no concurrent patch", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("counted"));
    const patches = Array.from({ length: 10 }, (_, index) =>
      api.must("PATCH", `${CONFIG_MAPS}/counted`, { data: { [`k${index}`]: "x" } }, MERGE),
    );
    await Promise.all(patches);
    expect(Object.keys((await api.must("GET", `${CONFIG_MAPS}/counted`)).data)).toHaveLength(10);
  });

  it("keeps the version and the generation of a write that changes nothing", async () => {
    await api.must("POST", DEPLOYMENTS, deployment("same"));
    const before = await api.must("GET", `${DEPLOYMENTS}/same`);
    await api.must("PUT", `${DEPLOYMENTS}/same`, before);
    await api.must("PATCH", `${DEPLOYMENTS}/same`, { spec: { replicas: 1 } }, MERGE);
    expect(await api.must("GET", `${DEPLOYMENTS}/same`)).toEqual(before);
  });

  it("counts generations of the spec alone and keeps the status behind its subresource", async () => {
    await api.must("POST", DEPLOYMENTS, { ...deployment("split"), status: { replicas: 9 } });
    const created = await api.must("GET", `${DEPLOYMENTS}/split`);
    expect(created.status).toEqual({});
    expect(created.metadata.generation).toBe(1);
    const reported = await api.must(
      "PATCH",
      `${DEPLOYMENTS}/split/status`,
      { spec: { replicas: 5 }, status: { replicas: 1 } },
      MERGE,
    );
    expect(reported).toMatchObject({
      spec: { replicas: 1 },
      status: { replicas: 1 },
      metadata: { generation: 1 },
    });
    const scaled = await api.must(
      "PATCH",
      `${DEPLOYMENTS}/split`,
      { spec: { replicas: 3 }, status: { replicas: 7 } },
      MERGE,
    );
    expect(scaled).toMatchObject({
      spec: { replicas: 3 },
      status: { replicas: 1 },
      metadata: { generation: 2 },
    });
  });

  it("scales through the scale subresource", async () => {
    await api.must("POST", DEPLOYMENTS, deployment("scaled"));
    const scale = await api.must("GET", `${DEPLOYMENTS}/scaled/scale`);
    expect(scale).toMatchObject({
      kind: "Scale",
      spec: { replicas: 1 },
      status: { replicas: 0, selector: "app=scaled" },
    });
    await api.must("PUT", `${DEPLOYMENTS}/scaled/scale`, { ...scale, spec: { replicas: 4 } });
    expect((await api.must("GET", `${DEPLOYMENTS}/scaled`)).spec.replicas).toBe(4);
  });

  it("writes nothing in a dry run", async () => {
    const answer = await api.send("POST", `${CONFIG_MAPS}?dryRun=All`, { body: configMap("dry") });
    expect(answer.status).toBe(201);
    expect(answer.body.metadata.uid).toBeTruthy();
    expect((await api.send("GET", `${CONFIG_MAPS}/dry`)).status).toBe(404);
  });

  it("checks the preconditions of a deletion", async () => {
    const { metadata } = await api.must("POST", CONFIG_MAPS, configMap("guarded"));
    const wrong = await api.send("DELETE", `${CONFIG_MAPS}/guarded`, {
      body: { preconditions: { uid: "other" } },
    });
    expect(wrong.body).toMatchObject({ code: 409, reason: "Conflict" });
    const right = await api.must("DELETE", `${CONFIG_MAPS}/guarded`, {
      preconditions: { uid: metadata.uid },
    });
    expect(right).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "guarded", uid: metadata.uid },
    });
  });

  it("sets the defaults that Kubernetes sets", async () => {
    const { spec } = await api.must(
      "POST",
      DEPLOYMENTS,
      deployment("defaulted", 2, "example.org/app@sha256:0a"),
    );
    expect(spec).toMatchObject({
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: "25%", maxSurge: "25%" } },
      progressDeadlineSeconds: 600,
      template: {
        spec: { restartPolicy: "Always", containers: [{ imagePullPolicy: "IfNotPresent", resources: {} }] },
      },
    });
  });
});

describe("patches", () => {
  it("merges keyed lists of built-in kinds strategically", async () => {
    await api.must("POST", DEPLOYMENTS, deployment("keyed"));
    const patched = await api.must(
      "PATCH",
      `${DEPLOYMENTS}/keyed`,
      {
        spec: {
          template: {
            spec: {
              containers: [
                { name: "side", image: "b" },
                { name: "app", env: [{ name: "A", value: "1" }] },
              ],
            },
          },
        },
      },
      STRATEGIC,
    );
    expect(
      patched.spec.template.spec.containers.map((c: { name: string; image: string }) => [c.name, c.image]),
    ).toEqual([
      ["app", "example.org/app:1"],
      ["side", "b"],
    ]);
  });

  it("refuses a JSON patch whose test fails, and says which", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("tested", { a: "1" }));
    const { status, body } = await api.send("PATCH", `${CONFIG_MAPS}/tested`, {
      body: [{ op: "test", path: "/data/a", value: "2" }],
      contentType: JSON_PATCH,
    });
    expect(status).toBe(422);
    expect(body.message).toContain("operation 0 (test /data/a): testing value failed");
  });

  it("refuses unknown patch types with 415", async () => {
    const { status, body } = await api.send("PATCH", `${CONFIG_MAPS}/tested`, {
      body: {},
      contentType: "application/json",
    });
    expect([status, body.reason]).toEqual([415, "UnsupportedMediaType"]);
  });
});

describe("hostile and malformed requests", () => {
  it.each([
    ["not JSON", '{"a"', "application/json", 400],
    ["not an object", "[1]", "application/json", 400],
    ["a form", "a=b", "application/x-www-form-urlencoded", 415],
    ["another kind", { ...configMap("x"), kind: "Secret" }, "application/json", 400],
    ["another namespace", configMap("x", {}, { namespace: "kube-system" }), "application/json", 400],
    ["a value of another type", { ...configMap("x"), data: { a: 1 } }, "application/json", 400],
    ["a name that is none", configMap("Not_A_Name"), "application/json", 422],
    ["a label that is none", configMap("x", {}, { labels: { "a b": "c" } }), "application/json", 422],
    [
      "an owner without uid",
      configMap("x", {}, { ownerReferences: [{ apiVersion: "v1", kind: "ConfigMap", name: "a" }] }),
      "application/json",
      422,
    ],
    ["YAML that repeats a key", "kind: ConfigMap\nkind: Secret", "application/yaml", 400],
    ["protobuf that is none", "k8s\0\u0001\u0001", "application/vnd.kubernetes.protobuf", 400],
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

  it("lets a member named __proto__ change nothing but itself", async () => {
    const body = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"proto"},"data":{"__proto__":"x"}}`;
    const created = await api.send("POST", CONFIG_MAPS, { body });
    expect(created.status).toBeLessThan(500);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
    expect((await api.send("GET", CONFIG_MAPS)).status).toBe(200);
  });

  it("warns of, refuses or ignores unknown fields as asked", async () => {
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

  it("answers JSON to clients that also take protobuf, and 406 to those that insist", async () => {
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
