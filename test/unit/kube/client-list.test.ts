import { describe, expect, it } from "vitest";
import { CONFIG_MAPS } from "../../../src/kube/resource.ts";
import { configMapAt, listOf, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const start = useScriptedClients();

describe("the client's lists", () => {
  it("joins all pages and completes each item's kind", async () => {
    const { apiVersion: _, kind: __, ...bare } = configMapAt("b", 2);
    const { api, client } = await start(({ query }, response) =>
      sendJson(
        response,
        200,
        query.get("continue") === "second"
          ? listOf([bare as never], 9)
          : listOf([configMapAt("a", 1)], 9, "second"),
      ),
    );
    const { items, resourceVersion } = await client.list(CONFIG_MAPS, { labelSelector: "app=x" });
    expect(items.map(({ kind, metadata }) => [kind, metadata.name])).toEqual([
      ["ConfigMap", "a"],
      ["ConfigMap", "b"],
    ]);
    expect(resourceVersion).toBe("9");
    expect(api.requests.map(({ query }) => query.get("labelSelector"))).toEqual(["app=x", "app=x"]);
    expect(api.requests[0]?.query.get("limit")).toBe("500");
  });

  it("reads a list without items as empty", async () => {
    const { client } = await start((_, response) =>
      sendJson(response, 200, { items: null, metadata: { resourceVersion: "3" } }),
    );
    expect(await client.list(CONFIG_MAPS, { namespace: "default" })).toEqual({
      items: [],
      resourceVersion: "3",
    });
  });

  it("lists in one piece when pages expire between two of them", async () => {
    const { client } = await start(({ query }, response) => {
      if (query.has("continue")) sendRefusal(response, 410, "Expired");
      else if (query.has("limit")) sendJson(response, 200, listOf([configMapAt("a", 1)], 9, "second"));
      else sendJson(response, 200, listOf([configMapAt("a", 1), configMapAt("b", 2)], 12));
    });
    const { items, resourceVersion } = await client.list(CONFIG_MAPS);
    expect(items).toHaveLength(2);
    expect(resourceVersion).toBe("12");
  });
});
