import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, deployment } from "../../../support/builder/api-object.ts";
import { MERGE } from "../../../support/server/api-request.ts";
import {
  defineWidgets,
  startTestApiServer,
  type TestApiServer,
  widget,
} from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";
const WIDGETS = "/apis/example.org/v1/namespaces/default/widgets";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await defineWidgets(api);
});
afterAll(() => api.dispose());

// biome-ignore lint/suspicious/noExplicitAny: the test reads managed fields by path
const owned = (object: any, manager: string) =>
  object.metadata.managedFields.find((entry: { manager: string }) => entry.manager === manager);

describe("server-side apply", () => {
  it("creates a missing object, owned by the manager", async () => {
    const { status, body } = await api.apply(`${CONFIG_MAPS}/fresh`, "one", configMap("fresh", { a: "1" }));
    expect(status).toBe(201);
    expect(owned(body, "one")).toMatchObject({
      operation: "Apply",
      apiVersion: "v1",
      fieldsType: "FieldsV1",
      fieldsV1: { "f:data": { "f:a": {} } },
    });
  });

  it("changes nothing, not even the version, when applied again", async () => {
    const first = await api.apply(`${DEPLOYMENTS}/again`, "one", deployment("again"));
    const second = await api.apply(`${DEPLOYMENTS}/again`, "one", deployment("again"));
    expect(second).toMatchObject({ status: 200, body: first.body });
  });

  it("refuses to take over another manager's fields, naming each", async () => {
    await api.apply(`${DEPLOYMENTS}/fought`, "one", deployment("fought", 1));
    const { status, body } = await api.apply(
      `${DEPLOYMENTS}/fought`,
      "two",
      deployment("fought", 2, "other"),
    );
    expect(status).toBe(409);
    expect(body.message).toBe(
      'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.replicas\n- .spec.template.spec.containers[name="app"].image',
    );
    expect(body.details.causes).toEqual([
      { reason: "FieldManagerConflict", message: 'conflict with "one"', field: ".spec.replicas" },
      {
        reason: "FieldManagerConflict",
        message: 'conflict with "one"',
        field: '.spec.template.spec.containers[name="app"].image',
      },
    ]);
  });

  it("takes conflicting fields with force, and leaves the other manager its other fields", async () => {
    const { status, body } = await api.apply(
      `${DEPLOYMENTS}/fought`,
      "two",
      deployment("fought", 2),
      "&force=true",
    );
    expect([status, body.spec.replicas]).toEqual([200, 2]);
    expect(owned(body, "one").fieldsV1["f:spec"]["f:replicas"]).toBeUndefined();
    expect(owned(body, "one").fieldsV1["f:spec"]["f:selector"]).toEqual({});
    expect(owned(body, "two").fieldsV1["f:spec"]["f:replicas"]).toEqual({});
  });

  it("names the version of a manager that updated, in the conflict", async () => {
    await api.apply(`${CONFIG_MAPS}/edited`, "one", configMap("edited", { a: "1" }));
    await api.must("PATCH", `${CONFIG_MAPS}/edited?fieldManager=editor`, { data: { a: "2" } }, MERGE);
    const { body } = await api.apply(`${CONFIG_MAPS}/edited`, "one", configMap("edited", { a: "1" }));
    expect(body.message).toBe('Apply failed with 1 conflict: conflict with "editor" using v1: .data.a');
  });

  it("shares a field between managers that apply the same value, and keeps it while one of them applies it", async () => {
    const path = `${CONFIG_MAPS}/shared`;
    await api.apply(path, "one", configMap("shared", { a: "1", mine: "x" }));
    await api.apply(path, "two", configMap("shared", { a: "1" }));
    const dropped = await api.apply(path, "one", configMap("shared", {}));
    expect(dropped.body.data).toEqual({ a: "1" });
    const gone = await api.apply(path, "two", configMap("shared", {}));
    expect(gone.body.data).toBeUndefined();
  });

  it("merges keyed lists and sets entry by entry, and removes the entries it stops applying", async () => {
    const path = `${WIDGETS}/keyed`;
    await api.apply(
      path,
      "one",
      widget("keyed", { size: 1, tags: ["a", "b"], parts: [{ id: "x", weight: 1 }, { id: "y" }] }),
    );
    const both = await api.apply(
      path,
      "two",
      widget("keyed", { size: 1, tags: ["c"], parts: [{ id: "z", weight: 3 }] }),
    );
    expect(both.body.spec).toMatchObject({
      tags: ["a", "b", "c"],
      parts: [{ id: "x", weight: 1 }, { id: "y" }, { id: "z", weight: 3 }],
    });
    expect(owned(both.body, "two").fieldsV1["f:spec"]["f:parts"]).toEqual({
      'k:{"id":"z"}': { ".": {}, "f:id": {}, "f:weight": {} },
    });
    const less = await api.apply(
      path,
      "one",
      widget("keyed", { size: 1, tags: ["b"], parts: [{ id: "y", weight: 2 }] }),
    );
    expect(less.body.spec).toMatchObject({
      tags: ["b", "c"],
      parts: [
        { id: "y", weight: 2 },
        { id: "z", weight: 3 },
      ],
    });
  });

  it("does not own defaults, and lets others change them", async () => {
    const created = await api.apply(`${WIDGETS}/plain`, "one", widget("plain", { size: 1 }));
    expect(created.body.spec.colour).toBe("grey");
    expect(owned(created.body, "one").fieldsV1).toEqual({ "f:spec": { "f:size": {} } });
    const changed = await api.apply(`${WIDGETS}/plain`, "two", widget("plain", { colour: "red" }));
    expect([changed.status, changed.body.spec.colour]).toEqual([200, "red"]);
  });

  it("owns only the status when it is applied through the status subresource", async () => {
    await api.apply(`${WIDGETS}/reported`, "one", widget("reported", { size: 1 }));
    const status = {
      ...widget("reported", { size: 9 }),
      status: { conditions: [{ type: "Ready", status: "True" }] },
    };
    const { body } = await api.apply(`${WIDGETS}/reported/status`, "reporter", status);
    expect(body.spec.size).toBe(1);
    expect(body.metadata.generation).toBe(1);
    expect(owned(body, "reporter")).toMatchObject({ subresource: "status", operation: "Apply" });
    expect(Object.keys(owned(body, "reporter").fieldsV1)).toEqual(["f:status"]);
    const ignored = await api.apply(`${WIDGETS}/reported`, "one", {
      ...widget("reported", { size: 2 }),
      status: { replicas: 4 },
    });
    expect(ignored.body).toMatchObject({ spec: { size: 2 }, metadata: { generation: 2 } });
    expect(ignored.body.status.replicas).toBeUndefined();
  });

  it("takes over the fields that kubectl applied client-side, without a conflict", async () => {
    const manifest = configMap("moved", { a: "1" });
    const annotation = "kubectl.kubernetes.io/last-applied-configuration";
    const stated = JSON.stringify({ ...manifest, metadata: { ...manifest.metadata, namespace: "default" } });
    await api.must("POST", `${CONFIG_MAPS}?fieldManager=kubectl-client-side-apply`, {
      ...manifest,
      metadata: { ...manifest.metadata, annotations: { [annotation]: stated } },
    });
    const other = await api.apply(`${CONFIG_MAPS}/moved`, "other", configMap("moved", { a: "2" }));
    expect(other.status).toBe(409);
    const { status, body } = await api.apply(
      `${CONFIG_MAPS}/moved`,
      "kubectl",
      configMap("moved", { a: "2" }),
    );
    expect([status, body.data.a]).toEqual([200, "2"]);
    expect(JSON.parse(body.metadata.annotations[annotation]).data).toEqual({ a: "2" });
  });

  it.each([
    ["an unknown field", { size: 1, shape: "round" }, ".spec.shape: field not declared in schema"],
    ["a value of another type", { size: "x" }, ".spec.size: expected numeric (int or float), got string"],
    [
      "an entry twice",
      { size: 1, parts: [{ id: "a" }, { id: "a" }] },
      '.spec.parts: duplicate entries for key [id="a"]',
    ],
  ])("refuses %s", async (_, spec, problem) => {
    const { status, body } = await api.apply(`${WIDGETS}/bad`, "one", widget("bad", spec));
    expect(status).toBe(500);
    expect(body.message).toBe(
      `failed to create typed patch object (default/bad; example.org/v1, Kind=Widget): ${problem}`,
    );
  });

  it("refuses an apply without a manager", async () => {
    const { status, body } = await api.apply(`${WIDGETS}/bad`, "", widget("bad", { size: 1 }));
    expect([status, body.message]).toEqual([
      422,
      'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
    ]);
  });

  it("lets one of many concurrent appliers create the object, and the others add their fields", async () => {
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        api.apply(`${CONFIG_MAPS}/rush`, `m${index}`, configMap("rush", { [`k${index}`]: "1" })),
      ),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.every(({ status }) => status === 201 || status === 200)).toBe(true);
    expect(Object.keys((await api.must("GET", `${CONFIG_MAPS}/rush`)).data)).toHaveLength(6);
  });
});

describe("field ownership of other writes", () => {
  it("follows creates and updates under the name of the client", async () => {
    await api.send("POST", CONFIG_MAPS, {
      body: configMap("tracked", { a: "1", b: "1" }),
      headers: { "user-agent": "writer/1.0 (x)" },
    });
    const patched = await api.must(
      "PATCH",
      `${CONFIG_MAPS}/tracked?fieldManager=second`,
      { data: { b: "2", c: "3" } },
      MERGE,
    );
    expect(owned(patched, "writer").fieldsV1).toEqual({ "f:data": { ".": {}, "f:a": {} } });
    expect(owned(patched, "second").fieldsV1).toEqual({ "f:data": { "f:b": {}, "f:c": {} } });
  });

  it("lets managed fields be edited and reset by hand", async () => {
    await api.apply(`${CONFIG_MAPS}/reset`, "one", configMap("reset", { a: "1" }));
    const cleared = await api.must(
      "PATCH",
      `${CONFIG_MAPS}/reset`,
      { metadata: { managedFields: [{}] } },
      MERGE,
    );
    expect(cleared.metadata.managedFields).toBeUndefined();
    const { status } = await api.apply(`${CONFIG_MAPS}/reset`, "two", configMap("reset", { a: "2" }));
    expect(status).toBe(409);
  });
});
