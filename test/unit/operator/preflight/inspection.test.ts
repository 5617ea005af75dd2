import { describe, expect, it } from "vitest";
import { identityLists } from "../../../../src/admission/rules/identity.ts";
import { inspectCluster } from "../../../../src/operator/preflight/inspection.ts";
import { type Script, sendJson, sendRefusal } from "../../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../../support/server/scripted-client.ts";

const startClient = useScriptedClients();

/** A cluster that answers as `script` says, and is otherwise empty. */
async function inspect(script: Script) {
  const { client } = await startClient(async (request, response) => {
    await script(request, response);
    if (!response.writableEnded) sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: [] });
  });
  const now = new Date("2026-11-30T00:00:00Z");
  return inspectCluster(client, {
    ...{ release: "catalyst-operator", lists: identityLists(), databaseUrl: undefined, now },
  });
}

const isConfiguration = (path: string) => path.includes("/validatingwebhookconfigurations/");

describe("inspectCluster", () => {
  it.each([
    ["Deny", [{ failurePolicy: "Ignore" }, { failurePolicy: "Fail" }]],
    ["Audit", [{ failurePolicy: "Ignore" }]],
    ["Audit", undefined],
  ])("finds enforcement %s when the webhooks are %j", async (enforcement, webhooks) => {
    const found = await inspect(({ path }, response) => {
      if (isConfiguration(path))
        sendJson(response, 200, { metadata: { name: "catalyst-operator" }, webhooks });
    });
    expect(found.enforcement).toBe(enforcement);
  });

  it("finds no installation without a webhook configuration", async () => {
    const found = await inspect(({ path }, response) => {
      if (isConfiguration(path)) sendRefusal(response, 404, "NotFound");
    });
    expect(found).toMatchObject({ enforcement: "NotInstalled", outsiders: [], denials: [] });
  });

  it("reports an unknown check to a person who may not list roles, and still runs the other checks", async () => {
    const found = await inspect(({ path }, response) => {
      if (path.endsWith("/roles")) sendRefusal(response, 403, "Forbidden");
    });
    expect(found.enforcement).toBe("Unknown");
    expect(found.checks.at(-1)).toMatchObject({
      ...{ area: "identity", state: "unknown" },
      remedy: "run it again as a user who may read roles, bindings and namespaces of the whole cluster",
    });
    expect(new Set(found.checks.map(({ area }) => area)).size).toBeGreaterThan(3);
  });

  it("runs the other checks when the version may not be read", async () => {
    const found = await inspect(({ path }, response) => {
      if (path === "/version") sendRefusal(response, 403, "Forbidden");
    });
    expect(found.checks[0]).toMatchObject({ area: "versions", state: "unknown" });
    expect(new Set(found.checks.map(({ area }) => area)).size).toBeGreaterThan(3);
  });

  it("rejects when the API server fails", async () => {
    const failed = inspect(({ path }, response) => {
      if (path.endsWith("/roles")) sendRefusal(response, 500, "InternalError");
    });
    await expect(failed).rejects.toMatchObject({ status: 500 });
  });
});
