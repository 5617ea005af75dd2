import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, deployment } from "../../../support/builder/api-object.ts";
import { JSON_PATCH, MERGE } from "../../../support/server/api-request.ts";
import {
  defineWidgets,
  startTestApiServer,
  type TestApiServer,
  widget,
  widgetDefinition,
} from "../../../support/server/apiserver.ts";
import { eventually } from "../../../support/wait.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  await defineWidgets(api);
});
afterAll(() => api.dispose());

const gone = (path: string) =>
  eventually(async () => {
    const answer = await api.send("GET", path);
    expect(answer.status).toBe(404);
    return answer;
  });

async function ownedBy(owner: string, name: string, extra: object = {}) {
  const { metadata } = await api.must("GET", `${CONFIG_MAPS}/${owner}`);
  const reference = { apiVersion: "v1", kind: "ConfigMap", name: owner, uid: metadata.uid, ...extra };
  return api.must("POST", CONFIG_MAPS, configMap(name, {}, { ownerReferences: [reference] }));
}

describe("garbage collection", () => {
  it("deletes dependents after their owner, and the dependents of dependents", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("bg"));
    await ownedBy("bg", "bg-child");
    await ownedBy("bg-child", "bg-grandchild");
    await api.must("DELETE", `${CONFIG_MAPS}/bg?propagationPolicy=Background`);
    await gone(`${CONFIG_MAPS}/bg-grandchild`);
    await gone(`${CONFIG_MAPS}/bg-child`);
  });

  it("holds an owner in the foreground until blocking dependents are gone", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("fg"));
    await ownedBy("fg", "fg-child", { blockOwnerDeletion: true });
    await api.must(
      "PATCH",
      `${CONFIG_MAPS}/fg-child`,
      { metadata: { finalizers: ["example.org/wait"] } },
      MERGE,
    );
    const marked = await api.must("DELETE", `${CONFIG_MAPS}/fg`, { propagationPolicy: "Foreground" });
    expect(marked.metadata).toMatchObject({
      finalizers: ["foregroundDeletion"],
      deletionTimestamp: expect.any(String),
    });
    await eventually(async () =>
      expect((await api.must("GET", `${CONFIG_MAPS}/fg-child`)).metadata.deletionTimestamp).toBeDefined(),
    );
    expect((await api.send("GET", `${CONFIG_MAPS}/fg`)).status).toBe(200);
    await api.must("PATCH", `${CONFIG_MAPS}/fg-child`, { metadata: { finalizers: null } }, MERGE);
    await gone(`${CONFIG_MAPS}/fg`);
  });

  it("keeps orphans, and removes the references to their owner", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("left"));
    await ownedBy("left", "orphan");
    await api.must("DELETE", `${CONFIG_MAPS}/left`, { propagationPolicy: "Orphan" });
    await gone(`${CONFIG_MAPS}/left`);
    expect((await api.must("GET", `${CONFIG_MAPS}/orphan`)).metadata.ownerReferences).toBeUndefined();
  });

  it("keeps an object that has another owner, and removes the reference to the deleted one", async () => {
    for (const name of ["first", "second"]) await api.must("POST", CONFIG_MAPS, configMap(name));
    const uidOf = async (name: string) => (await api.must("GET", `${CONFIG_MAPS}/${name}`)).metadata.uid;
    const references = [];
    for (const name of ["first", "second"]) {
      references.push({ apiVersion: "v1", kind: "ConfigMap", name, uid: await uidOf(name) });
    }
    await api.must("POST", CONFIG_MAPS, configMap("held", {}, { ownerReferences: references }));
    await api.must("DELETE", `${CONFIG_MAPS}/first`);
    await eventually(async () =>
      expect((await api.must("GET", `${CONFIG_MAPS}/held`)).metadata.ownerReferences).toMatchObject([
        { name: "second" },
      ]),
    );
  });

  it("collects an object whose owner never existed", async () => {
    const reference = {
      apiVersion: "v1",
      kind: "ConfigMap",
      name: "never",
      uid: "00000000-0000-0000-0000-000000000000",
    };
    await api.must("POST", CONFIG_MAPS, configMap("stray", {}, { ownerReferences: [reference] }));
    await gone(`${CONFIG_MAPS}/stray`);
  });
});

describe("finalizers", () => {
  it("keeps an object until its last finalizer is removed, and refuses new finalizers", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("final", {}, { finalizers: ["example.org/a"] }));
    const marked = await api.must("DELETE", `${CONFIG_MAPS}/final`);
    expect(marked.metadata.deletionTimestamp).toBeTruthy();
    const added = await api.send("PATCH", `${CONFIG_MAPS}/final`, {
      body: { metadata: { finalizers: ["example.org/a", "example.org/b"] } },
      contentType: MERGE,
    });
    expect([added.status, added.body.details.causes[0]]).toMatchObject([
      422,
      { field: "metadata.finalizers", reason: "FieldValueForbidden" },
    ]);
    await api.must("PATCH", `${CONFIG_MAPS}/final`, { metadata: { finalizers: [] } }, MERGE);
    expect((await api.send("GET", `${CONFIG_MAPS}/final`)).status).toBe(404);
  });
});

describe("pods", () => {
  const pods = "/api/v1/namespaces/default/pods";
  const pod = (name: string, nodeName?: string) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name },
    spec: { containers: [{ name: "c", image: "i" }], ...(nodeName === undefined ? {} : { nodeName }) },
  });

  it("deletes a Pod at once when it has no node, and after its grace period otherwise", async () => {
    await api.must("POST", pods, pod("unbound"));
    await api.must("DELETE", `${pods}/unbound`);
    expect((await api.send("GET", `${pods}/unbound`)).status).toBe(404);
    await api.must("POST", pods, pod("bound", "node-a"));
    const marked = await api.must("DELETE", `${pods}/bound`);
    expect(marked.metadata.deletionGracePeriodSeconds).toBe(30);
    await api.must("DELETE", `${pods}/bound?gracePeriodSeconds=0`);
    expect((await api.send("GET", `${pods}/bound`)).status).toBe(404);
  });

  it("refuses a Pod whose ServiceAccount does not exist", async () => {
    const { status, body } = await api.send("POST", pods, {
      body: { ...pod("x"), spec: { ...pod("x").spec, serviceAccountName: "none" } },
    });
    expect([status, body.message]).toEqual([
      403,
      'pods "x" is forbidden: error looking up service account default/none: serviceaccount "none" not found',
    ]);
  });
});

describe("namespaces", () => {
  it("creates a namespace with a ServiceAccount and a root certificate, and deletes it with everything in it", async () => {
    await api.must("POST", "/api/v1/namespaces", {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "brief" },
    });
    await eventually(async () =>
      expect((await api.send("GET", "/api/v1/namespaces/brief/serviceaccounts/default")).status).toBe(200),
    );
    const root = await eventually(async () => {
      const answer = await api.send("GET", "/api/v1/namespaces/brief/configmaps/kube-root-ca.crt");
      expect(answer.status).toBe(200);
      return answer;
    });
    expect(root.body.data["ca.crt"]).toBe(api.server.caPem);
    await api.must("POST", "/apis/apps/v1/namespaces/brief/deployments", deployment("web"));
    await api.must(
      "POST",
      "/api/v1/namespaces/brief/configmaps",
      configMap("slow", {}, { finalizers: ["example.org/wait"] }),
    );

    const marked = await api.must("DELETE", "/api/v1/namespaces/brief");
    expect(marked.status.phase).toBe("Terminating");
    const refused = await api.send("POST", "/api/v1/namespaces/brief/configmaps", {
      body: configMap("late"),
    });
    expect(refused.body).toMatchObject({
      code: 403,
      message:
        'configmaps "late" is forbidden: unable to create new content in namespace brief because it is being terminated',
      details: { causes: [{ reason: "NamespaceTerminating" }] },
    });
    await gone("/apis/apps/v1/namespaces/brief/deployments/web");
    expect((await api.send("GET", "/api/v1/namespaces/brief")).status).toBe(200);
    await api.must(
      "PATCH",
      "/api/v1/namespaces/brief/configmaps/slow",
      { metadata: { finalizers: null } },
      MERGE,
    );
    await gone("/api/v1/namespaces/brief");
  });
});

describe("custom resources", () => {
  it("serves a custom resource once it is established, with defaults, pruning, bounds and rules", async () => {
    const crd = await api.must("GET", `${CRDS}/widgets.example.org`);
    expect(
      crd.status.conditions.map(({ type, status }: { type: string; status: string }) => `${type}=${status}`),
    ).toEqual(["NamesAccepted=True", "Established=True"]);
    const path = "/apis/example.org/v1/namespaces/default/widgets";
    const created = await api.must(
      "POST",
      `${path}?fieldValidation=Ignore`,
      widget("a", { size: 1, unknown: true }),
    );
    expect(created.spec).toEqual({ size: 1, colour: "grey" });
    const bounds = await api.send("POST", path, { body: widget("b", { size: 99 }) });
    expect(bounds.body).toMatchObject({
      code: 422,
      details: { causes: [{ field: "spec.size", reason: "FieldValueInvalid" }] },
    });
    const rule = await api.send("POST", path, { body: widget("b", { size: 7 }) });
    expect(rule.body.message).toContain("seven is not a size");
    const unconditional = await api.send("PUT", `${path}/a`, { body: widget("a", { size: 2 }) });
    expect(unconditional.body.details.causes[0]).toMatchObject({ field: "metadata.resourceVersion" });
    const strategic = await api.send("PATCH", `${path}/a`, {
      body: {},
      contentType: "application/strategic-merge-patch+json",
    });
    expect(strategic.status).toBe(415);
  });

  it("shows the defaults of a changed CRD at once, without a new resourceVersion", async () => {
    const path = "/apis/example.org/v1/namespaces/default/widgets";
    const before = await api.must("POST", path, widget("old", { size: 1 }));
    const field = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    await api.must(
      "PATCH",
      `${CRDS}/widgets.example.org`,
      [{ op: "add", path: `${field}/shape`, value: { type: "string", default: "round" } }],
      JSON_PATCH,
    );
    const after = await api.must("GET", `${path}/old`);
    expect(after.spec).toEqual({ size: 1, colour: "grey", shape: "round" });
    expect(after.metadata.resourceVersion).toBe(before.metadata.resourceVersion);
    await api.must(
      "PATCH",
      `${CRDS}/widgets.example.org`,
      [{ op: "remove", path: `${field}/shape` }],
      JSON_PATCH,
    );
    expect((await api.must("GET", `${path}/old`)).spec).toEqual({ size: 1, colour: "grey" });
  });

  it("deletes the objects of a deleted CRD", async () => {
    const definition = structuredClone(widgetDefinition) as unknown as {
      metadata: { name: string };
      spec: { names: object };
    };
    definition.metadata.name = "gadgets.example.org";
    definition.spec.names = { plural: "gadgets", kind: "Gadget" };
    await api.must("POST", CRDS, definition);
    const path = "/apis/example.org/v1/namespaces/default/gadgets";
    await eventually(async () => expect((await api.send("GET", path)).status).toBe(200));
    await api.must("POST", path, { ...widget("g", { size: 1 }), kind: "Gadget" });
    await api.must("DELETE", `${CRDS}/gadgets.example.org`);
    await gone(`${CRDS}/gadgets.example.org`);
    expect((await api.send("GET", path)).status).toBe(404);
    const again = await api.must("POST", CRDS, definition);
    expect(again.metadata.name).toBe("gadgets.example.org");
    await eventually(async () =>
      expect(await api.send("GET", path)).toMatchObject({ status: 200, body: { items: [] } }),
    );
  });

  it("does not accept names of another CRD", async () => {
    const definition = structuredClone(widgetDefinition) as unknown as {
      metadata: { name: string };
      spec: { names: object };
    };
    definition.metadata.name = "wadgets.example.org";
    definition.spec.names = { plural: "wadgets", kind: "Widget" };
    await api.must("POST", CRDS, definition);
    const status = await eventually(async () => {
      const crd = await api.must("GET", `${CRDS}/wadgets.example.org`);
      expect(crd.status.conditions).toBeDefined();
      return crd.status;
    });
    expect(status.conditions[0]).toMatchObject({
      type: "NamesAccepted",
      status: "False",
      reason: "ListKindConflict",
    });
    expect((await api.send("GET", "/apis/example.org/v1/namespaces/default/wadgets")).status).toBe(404);
  });
});
