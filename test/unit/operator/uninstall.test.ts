import { describe, expect, it } from "vitest";
import { uninstall } from "../../../src/operator/uninstall.ts";
import { sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const startClient = useScriptedClients();

describe("uninstall", () => {
  it("names the Pod that does not end, and removes nothing while it runs", async () => {
    const { api, client } = await startClient(({ path }, response) =>
      path.endsWith("/pods")
        ? sendJson(response, 200, { metadata: {}, items: [{ metadata: { name: "catalyst-operator-0" } }] })
        : sendRefusal(response, 404, "NotFound"),
    );
    const deps = { isDryRun: false, signal: new AbortController().signal, endTimeoutMs: -1 };
    await expect(uninstall(client, deps).next()).rejects.toThrow(
      "Pod catalyst-system/catalyst-operator-0 has not ended: delete it, and run catalyst uninstall again",
    );
    expect(api.requests.map(({ method }) => method)).toEqual(["GET", "GET"]);
  });

  it("ends when it is stopped while it waits for a Pod", async () => {
    const { client } = await startClient(({ path }, response) =>
      path.endsWith("/pods")
        ? sendJson(response, 200, { metadata: {}, items: [{ metadata: { name: "a" } }] })
        : sendRefusal(response, 404, "NotFound"),
    );
    const reason = new Error("stopped");
    const deps = { isDryRun: false, signal: AbortSignal.abort(reason) };
    await expect(uninstall(client, deps).next()).rejects.toBe(reason);
  });

  it("removes nothing, and waits for nothing, in a dry run", async () => {
    const { api, client } = await startClient(({ path }, response) =>
      /\/(deployments|validatingwebhookconfigurations)\//.test(path)
        ? sendJson(response, 200, { metadata: { name: "catalyst-operator" } })
        : sendJson(response, 200, {
            metadata: {},
            items: [{ metadata: { name: "one", finalizers: ["catalyst.openova.io/sovereign"] } }],
          }),
    );
    const deps = { isDryRun: true, signal: new AbortController().signal };
    const removed: string[] = [];
    for await (const each of uninstall(client, deps)) removed.push(each);
    expect(removed).toEqual(
      expect.arrayContaining([
        "Deployment catalyst-operator",
        "ValidatingWebhookConfiguration catalyst-operator",
        "ValidatingAdmissionPolicyBinding one",
      ]),
    );
    expect(new Set(api.requests.map(({ method }) => method))).toEqual(new Set(["GET"]));
  });
});
