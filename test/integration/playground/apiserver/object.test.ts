import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, deployment } from "../../../support/builder/api-object.ts";
import { MERGE } from "../../../support/server/api-request.ts";
import { startTestApiServer, type TestApiServer } from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(() => api.dispose());

describe("objects", () => {
  it("sets the metadata of a created object, and returns the same object as a read", async () => {
    const created = await api.must("POST", CONFIG_MAPS, configMap("stamped", { a: "1" }));
    expect(created.metadata).toMatchObject({
      name: "stamped",
      namespace: "default",
      uid: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(created.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(await api.must("GET", `${CONFIG_MAPS}/stamped`)).toEqual(created);
  });

  it("creates names from generateName", async () => {
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

  it("refuses a second object of the same name, with details that clients read", async () => {
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

  it("keeps version and generation when a write changes nothing", async () => {
    await api.must("POST", DEPLOYMENTS, deployment("same"));
    const before = await api.must("GET", `${DEPLOYMENTS}/same`);
    await api.must("PUT", `${DEPLOYMENTS}/same`, before);
    await api.must("PATCH", `${DEPLOYMENTS}/same`, { spec: { replicas: 1 } }, MERGE);
    expect(await api.must("GET", `${DEPLOYMENTS}/same`)).toEqual(before);
  });

  it("counts changes of the spec as generations, and changes the status only through its subresource", async () => {
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
