import { pino } from "pino";
import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { createSpoke } from "../../../../src/controllers/spoke/spoke.ts";
import { createKubeClient } from "../../../../src/kube/client.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";
import { sendJson, sendRefusal } from "../../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../../support/server/scripted-client.ts";
import { until } from "../../../support/wait.ts";

const start = useScriptedClients();
const lines: { msg: string; error: string }[] = [];
const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line)) });

describe("createSpoke", () => {
  it("logs one line for each cause of writes that fail, not one for each attempt", async () => {
    let refused = { status: 403, reason: "Forbidden" };
    const { api } = await start(({ method, path, query }, response) => {
      if (method !== "GET") sendRefusal(response, refused.status, refused.reason);
      else if (path.endsWith("/namespaces/kube-system"))
        sendJson(response, 200, { metadata: { name: "kube-system", uid: "spoke-uid" } });
      else if (path.endsWith("/franchises/omantel")) sendRefusal(response, 404, "NotFound");
      else if (query.get("watch") === "true") response.writeHead(200).flushHeaders();
      else sendJson(response, 200, { metadata: { resourceVersion: "1" }, items: [] });
    });
    const writes = () => api.requests.filter(({ method }) => method !== "GET").length;
    const spoke = createSpoke({
      connect: () => createKubeClient({ kubeConfig: api.kubeConfig(), userAgent: "catalyst-test" }),
      hub: "hub-uid",
      onChange: () => undefined,
      logger,
      now: () => new Date(),
    });
    const object = franchise("omantel") as unknown as KubernetesObject;
    spoke.put("omantel", { uid: "spoke-uid", objects: [object], offer: {} });
    const stop = new AbortController();
    const running = spoke.run(stop.signal);
    const logged = () => lines.filter(({ msg }) => msg === "the Sovereign's cluster was not written");
    await until(() => writes() >= 3, "a third attempt");
    expect(logged()).toHaveLength(1);
    refused = { status: 422, reason: "Invalid" };
    await until(() => logged().length > 1, "another cause");
    stop.abort();
    await running;
    expect(logged().map(({ error }) => /refused with \d+/.exec(error)?.[0])).toEqual([
      "refused with 403",
      "refused with 422",
    ]);
  });
});
