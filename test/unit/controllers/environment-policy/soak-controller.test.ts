import { describe, expect, it } from "vitest";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import type { ConfigMapObject, KubernetesObject } from "../../../../src/api/object.ts";
import { parseSoakRecord, soakRecordObject } from "../../../../src/api/soak-record.ts";
import { createSoakReconciler } from "../../../../src/controllers/environment-policy/soak-controller.ts";
import { CONFIG_MAPS, NAMESPACES, resourceOf } from "../../../../src/kube/resource.ts";
import { digest, environmentPolicy, image } from "../../../support/builder/install-request.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { sendJson, sendRefusal } from "../../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../../support/server/scripted-client.ts";

const NOW = "2026-11-29T12:00:00.000Z";
const EARLIER = "2026-11-29T11:58:00.000Z";
const SOAK = environmentPolicy("soak", [{ soak: { from: "stg", duration: "1h" } }]);
const environment: KubernetesObject = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name: "acme-stg",
    labels: { "catalyst.openova.io/organization": "acme", "catalyst.openova.io/environment": "stg" },
  },
};
const pod = {
  metadata: { name: "app", namespace: "acme-stg" },
  spec: { containers: [{ name: "app", image: image("a") }] },
  status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime: EARLIER }] },
};
const release = {
  metadata: { name: "shop", namespace: "acme-stg" },
  status: { ...pod.status, history: [{ ociDigest: digest("b"), status: "deployed" }] },
};
const list = (...items: object[]) => ({
  kind: "List",
  apiVersion: "v1",
  metadata: { resourceVersion: "1" },
  items,
});

const start = useScriptedClients();

/** Reconciles acme-stg once against a server with one Pod, and returns the writes. */
async function reconcile({
  policies = [SOAK],
  namespaces = [environment],
  record = undefined as ConfigMapObject | undefined,
  hasFlux = true,
  podStatus = 200,
} = {}) {
  const { client, api } = await start((request, response) => {
    if (request.path.endsWith("/pods")) {
      if (podStatus === 200) sendJson(response, 200, list(pod));
      else sendRefusal(response, podStatus, "Forbidden");
    } else if (request.path.endsWith("/helmreleases")) {
      if (hasFlux) sendJson(response, 200, list(release));
      else sendRefusal(response, 404, "NotFound");
    } else sendJson(response, 200, request.body ?? {});
  });
  const outcome = await createSoakReconciler({
    ...{ client, fieldManager: "catalyst-operator", now: () => new Date(NOW) },
    policies: fixedInformer<EnvironmentPolicy>(resourceOf(ENVIRONMENT_POLICY), policies),
    namespaces: fixedInformer(NAMESPACES, namespaces),
    records: fixedInformer(CONFIG_MAPS, record === undefined ? [] : [record]),
  })("acme-stg");
  const writes = api.requests.filter(({ method }) => method !== "GET");
  return {
    outcome,
    reads: api.requests.filter(({ method }) => method === "GET").map(({ path }) => path),
    writes: writes.map(({ method, path }) => `${method} ${path}`),
    written: parseSoakRecord(writes[0]?.body as ConfigMapObject | undefined),
  };
}

const RECORD = "/api/v1/namespaces/catalyst-system/configmaps/catalyst-soak-acme-stg";
const entry = { since: NOW, seen: NOW };
const AGAIN = { kind: "done", requeueAfterMs: 60_000 };

describe("createSoakReconciler", () => {
  it("records the running digests of an environment that a rule names, and repeats this after a minute", async () => {
    const { outcome, writes, written } = await reconcile();
    expect(outcome).toEqual(AGAIN);
    expect(writes).toEqual([`PATCH ${RECORD}`]);
    expect(written).toEqual({ [digest("a")]: entry, [digest("b")]: entry });
  });

  it("continues the record after a restart", async () => {
    const record = soakRecordObject("acme-stg", {
      [digest("a")]: { since: "2026-11-01T00:00:00Z", seen: EARLIER },
    });
    expect((await reconcile({ record })).written).toEqual({
      [digest("a")]: { since: "2026-11-01T00:00:00Z", seen: EARLIER },
      [digest("b")]: entry,
    });
  });

  it("writes nothing when nothing changed", async () => {
    const known = { since: "2026-11-01T00:00:00Z", seen: EARLIER };
    const record = soakRecordObject("acme-stg", { [digest("b")]: known, [digest("a")]: known });
    const { outcome, writes } = await reconcile({ record });
    expect([outcome, writes]).toEqual([AGAIN, []]);
  });

  it("works without Flux", async () =>
    expect((await reconcile({ hasFlux: false })).written).toEqual({ [digest("a")]: entry }));

  it("fails when the Pods cannot be listed, and writes nothing that would end a soak", async () =>
    await expect(reconcile({ podStatus: 403 })).rejects.toThrow());

  const elsewhere = { ...SOAK, metadata: { ...SOAK.metadata, namespace: "acme-stg" } };
  const plain = { ...environment, metadata: { name: "acme-stg" } };
  it.each<[string, Parameters<typeof reconcile>[0]]>([
    ["no policy names it", { policies: [] }],
    ["a policy outside catalyst-system names it", { policies: [elsewhere] }],
    ["the namespace is no environment", { namespaces: [plain] }],
    ["the namespace is gone", { namespaces: [] }],
  ])("deletes the record and lists nothing when %s", async (_, cluster) => {
    const record = soakRecordObject("acme-stg", {});
    expect(await reconcile({ ...cluster, record })).toMatchObject({
      ...{ outcome: { kind: "done" }, reads: [] },
      writes: [`DELETE ${RECORD}`],
    });
    expect((await reconcile(cluster)).writes).toEqual([]);
  });
});
