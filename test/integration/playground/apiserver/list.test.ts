import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap } from "../../../support/builder/api-object.ts";
import {
  defineWidgets,
  startTestApiServer,
  type TestApiServer,
  widget,
} from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/kube-public/configmaps";
const TABLE = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" };

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
  for (let index = 0; index < 7; index++) {
    const labels = { number: `${index}`, half: index < 4 ? "low" : "high" };
    await api.must("POST", CONFIG_MAPS, configMap(`cm-${index}`, {}, { labels }));
  }
  await defineWidgets(api);
});
afterAll(() => api.dispose());

const names = (list: { items: { metadata: { name: string } }[] }) =>
  list.items.map(({ metadata }) => metadata.name);

describe("list", () => {
  it("shows all pages as they were when the first one was read", async () => {
    const path = `${CONFIG_MAPS}?limit=3&labelSelector=number`;
    const first = await api.must("GET", path);
    expect(names(first)).toEqual(["cm-0", "cm-1", "cm-2"]);
    await api.must("DELETE", `${CONFIG_MAPS}/cm-5`);
    await api.must("POST", CONFIG_MAPS, configMap("cm-30", {}, { labels: { number: "30" } }));
    const second = await api.must("GET", `${path}&continue=${first.metadata.continue}`);
    const third = await api.must("GET", `${path}&continue=${second.metadata.continue}`);
    expect([...names(second), ...names(third)]).toEqual(["cm-3", "cm-4", "cm-5", "cm-6"]);
    expect(third.metadata.continue).toBeUndefined();
    expect([second, third].map(({ metadata }) => metadata.resourceVersion)).toEqual(
      Array(2).fill(first.metadata.resourceVersion),
    );
  });

  it("counts the remaining objects when there is no selector", async () => {
    const { items } = await api.must("GET", "/api/v1/configmaps");
    const page = await api.must("GET", "/api/v1/configmaps?limit=2");
    expect(page.metadata.remainingItemCount).toBe(items.length - 2);
  });

  it("refuses a malformed or expired continue token", async () => {
    expect((await api.send("GET", `${CONFIG_MAPS}?limit=1&continue=zzz`)).status).toBe(400);
    const old = Buffer.from(JSON.stringify({ rv: 1, after: "" })).toString("base64url");
    expect((await api.send("GET", `${CONFIG_MAPS}?limit=1&continue=${old}`)).body).toMatchObject({
      code: 410,
      reason: "Expired",
    });
  });

  it.each([
    ["labelSelector=half%3Dlow", ["cm-0", "cm-1", "cm-2", "cm-3"]],
    ["labelSelector=half%20in%20(high)%2Cnumber%21%3D6", ["cm-4"]],
    ["labelSelector=number%3E3%2Chalf", ["cm-4", "cm-6"]],
    ["labelSelector=number%2C%21half", ["cm-30"]],
    ["fieldSelector=metadata.name%3Dcm-2", ["cm-2"]],
    ["labelSelector=half&fieldSelector=metadata.name%21%3Dcm-2", ["cm-0", "cm-1", "cm-3", "cm-4", "cm-6"]],
  ])("selects by %s", async (query, expected) => {
    expect(names(await api.must("GET", `${CONFIG_MAPS}?${query}`))).toEqual(expected);
  });

  it.each([
    "labelSelector=a%20in%20(b",
    "labelSelector=%3D",
    "fieldSelector=data.a%3D1",
    "limit=x",
    "resourceVersion=x",
  ])("refuses %s with 400", async (query) => {
    expect((await api.send("GET", `${CONFIG_MAPS}?${query}`)).body).toMatchObject({
      code: 400,
      reason: "BadRequest",
    });
  });

  it("selects custom resources by the fields that their CRD names", async () => {
    const path = "/apis/example.org/v1/namespaces/kube-public/widgets";
    await api.must("POST", path, widget("red", { size: 1, colour: "red" }));
    await api.must("POST", path, widget("plain", { size: 2 }));
    expect(names(await api.must("GET", `${path}?fieldSelector=spec.colour%3Dgrey`))).toEqual(["plain"]);
    expect((await api.send("GET", `${path}?fieldSelector=spec.size%3D1`)).status).toBe(400);
  });
});

describe("tables", () => {
  it("has the columns of built-in kinds", async () => {
    const { body } = await api.send("GET", "/api/v1/namespaces", { headers: TABLE });
    expect(body.columnDefinitions.map(({ name }: { name: string }) => name)).toEqual([
      "Name",
      "Status",
      "Age",
    ]);
    expect(body.rows[0]).toMatchObject({
      cells: ["default", "Active", expect.any(String)],
      object: { kind: "PartialObjectMetadata" },
    });
  });

  it("has the printer columns of custom kinds, also wide ones", async () => {
    const path = "/apis/example.org/v1/namespaces/default/widgets";
    await api.must("POST", path, widget("shown", { size: 3 }));
    await api.must("PUT", `${path}/shown/status`, {
      ...(await api.must("GET", `${path}/shown`)),
      status: {
        conditions: [
          { type: "Other", status: "False" },
          { type: "Ready", status: "True" },
        ],
      },
    });
    const { body } = await api.send("GET", path, { headers: TABLE });
    const columns = body.columnDefinitions.map(({ name, priority }: { name: string; priority: number }) => [
      name,
      priority,
    ]);
    expect(columns).toEqual([
      ["Name", 0],
      ["Size", 0],
      ["Ready", 0],
      ["Colour", 1],
    ]);
    expect(body.rows[0].cells).toEqual(["shown", 3, "True", "grey"]);
  });

  it("returns only metadata on request", async () => {
    const { body } = await api.send("GET", `${CONFIG_MAPS}?limit=1`, {
      headers: { accept: "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io" },
    });
    expect(body.kind).toBe("PartialObjectMetadataList");
    expect(Object.keys(body.items[0])).toEqual(["kind", "apiVersion", "metadata"]);
  });
});

describe("discovery", () => {
  it("lists custom kinds beside built-in ones, in both forms", async () => {
    const group = await api.must("GET", "/apis/example.org/v1");
    expect(group.resources.map(({ name }: { name: string }) => name)).toEqual([
      "widgets",
      "widgets/scale",
      "widgets/status",
    ]);
    const aggregated = await api.send("GET", "/apis", {
      headers: { accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList" },
    });
    const found = aggregated.body.items.find(
      ({ metadata }: { metadata: { name: string } }) => metadata.name === "example.org",
    );
    expect(found.versions[0].resources[0]).toMatchObject({
      resource: "widgets",
      shortNames: ["wg"],
      scope: "Namespaced",
    });
    expect((await api.must("GET", "/version")).gitVersion).toBe("v1.36.4");
  });
});
