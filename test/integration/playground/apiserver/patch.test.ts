import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configMap, deployment } from "../../../support/builder/api-object.ts";
import { JSON_PATCH, STRATEGIC } from "../../../support/server/api-request.ts";
import { startTestApiServer, type TestApiServer } from "../../../support/server/apiserver.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments";

let api: TestApiServer;
beforeAll(async () => {
  api = await startTestApiServer();
});
afterAll(() => api.dispose());

describe("patches", () => {
  it("merge keyed lists of built-in kinds strategically", async () => {
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

  it("refuse a JSON patch whose test fails, and name the operation", async () => {
    await api.must("POST", CONFIG_MAPS, configMap("tested", { a: "1" }));
    const { status, body } = await api.send("PATCH", `${CONFIG_MAPS}/tested`, {
      body: [{ op: "test", path: "/data/a", value: "2" }],
      contentType: JSON_PATCH,
    });
    expect(status).toBe(422);
    expect(body.message).toContain("operation 0 (test /data/a): testing value failed");
  });

  it("of an unknown type are refused with 415", async () => {
    const { status, body } = await api.send("PATCH", `${CONFIG_MAPS}/any`, {
      body: {},
      contentType: "application/json",
    });
    expect([status, body.reason]).toEqual([415, "UnsupportedMediaType"]);
  });
});
