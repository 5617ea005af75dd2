import { describe, expect, it } from "vitest";
import type { KubeClient } from "../../../src/kube/client.ts";
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
      "Pod catalyst-system/catalyst-operator-0 has not ended: wait, and run catalyst uninstall again; if its node is gone, first run kubectl -n catalyst-system delete pod catalyst-operator-0 --force",
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

  const TERMINATING = {
    metadata: { name: "sovereigns.catalyst.openova.io", deletionTimestamp: "2026-11-30T07:00:00Z" },
    status: {
      conditions: [
        { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "established" },
        {
          ...{ type: "Terminating", status: "True", reason: "InstanceDeletionInProgress" },
          message: "CustomResource deletion is in progress",
        },
      ],
    },
  };
  /** An API server on which the definition of Sovereigns is being deleted, with these objects, until `isGone`. */
  const startTerminating = (items: object[], isGone: () => boolean = () => false) =>
    startClient(({ path }, response) => {
      if (path.endsWith("/sovereigns.catalyst.openova.io") && !isGone())
        return sendJson(response, 200, TERMINATING);
      if (path.endsWith("/sovereigns")) return sendJson(response, 200, { metadata: {}, items });
      if (/\/(pods|franchises|validatingadmission[a-z]+)$/.test(path))
        return sendJson(response, 200, { metadata: {}, items: [] });
      return sendRefusal(response, 404, "NotFound");
    });
  const run = async (client: KubeClient) => {
    const deps = { isDryRun: false, signal: new AbortController().signal, definitionTimeoutMs: 1_000 };
    const removed: string[] = [];
    for await (const each of uninstall(client, deps)) removed.push(each);
    return removed;
  };
  const held = (name: string, ...finalizers: string[]) => ({ metadata: { name, finalizers } });

  it.each([
    [
      "an object with the finalizer of another controller",
      [held("zero", "velero.io/restore", "example.com/a"), held("plain")],
      "it still has zero with finalizer velero.io/restore and example.com/a, plain",
    ],
    [
      "more objects than it names",
      ["a", "b", "c", "d", "e", "f", "g"].map((name) => held(name)),
      "it still has a, b, c, d, e, and 2 more",
    ],
    ["no object", [], "no object is left"],
  ])("says why a definition is not deleted: %s", async (_why, items, holders) => {
    const { client } = await startTerminating(items);
    await expect(run(client)).rejects.toThrow(
      new Error(
        `CustomResourceDefinition sovereigns.catalyst.openova.io is not deleted yet, since 2026-11-30T07:00:00Z; Terminating=True (InstanceDeletionInProgress: CustomResource deletion is in progress); ${holders}\n` +
          "remove the finalizers, or let the controllers that set them do so, and run catalyst uninstall again",
      ),
    );
  });

  it("waits for a definition that is being deleted", async () => {
    let asked = 0;
    const { client } = await startTerminating([], () => ++asked > 1);
    expect(await run(client)).toEqual([]);
    expect(asked).toBeGreaterThan(1);
  });

  it("does not look at definitions that the caller may not read", async () => {
    const { client } = await startClient(({ path }, response) =>
      path.includes("/customresourcedefinitions/")
        ? sendRefusal(response, 403, "Forbidden")
        : /\/(pods|sovereigns|franchises|validatingadmission[a-z]+)$/.test(path)
          ? sendJson(response, 200, { metadata: {}, items: [] })
          : sendRefusal(response, 404, "NotFound"),
    );
    expect(await run(client)).toEqual([]);
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
