import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { desiredNativePolicies } from "../../../src/admission/policy/native/policy-list.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import {
  admissionPolicyWatches,
  createAdmissionPolicyReconciler,
} from "../../../src/controllers/admission-policy/controller.ts";
import type { LiveObject } from "../../../src/controllers/admission-policy/desired-restoration.ts";
import { createKubeClient, type KubeClient } from "../../../src/kube/client.ts";
import { createReconcileMetrics } from "../../../src/kube/metric.ts";
import { createController } from "../../../src/kube/reconcile.ts";
import { pathOf, resourceOfManifest } from "../../../src/kube/resource.ts";
import { createCaches } from "../../../src/operator/cache.ts";
import { createLogger } from "../../../src/platform/log.ts";
import { Registry } from "../../../src/platform/metrics.ts";
import type { ApiConnection } from "../../../src/playground/story/api-connection.ts";
import type { TestControlPlane } from "../server/kube-apiserver.ts";
import { eventually } from "../wait.ts";
import { apply, jsonPatch, mergePatch, type Request, remove } from "./red-team/attempt.ts";

const DESIRED = desiredNativePolicies(identityLists(), "Deny");
const NAME = "catalyst-api-service";
const found = (kind: string) =>
  DESIRED.find((object) => object.kind === kind && object.metadata.name === NAME) as LiveObject;
const POLICY = found("ValidatingAdmissionPolicy");
const BINDING = found("ValidatingAdmissionPolicyBinding");
const pathTo = (object: KubernetesObject) => pathOf(resourceOfManifest(object), object.metadata);

/** Runs the operator's controller on a cluster on which the policies are installed, and lets the platform tamper with them. */
export function testPolicyRestoration(cluster: () => { plane: TestControlPlane; api: ApiConnection }): void {
  describe("watched by the operator", () => {
    const stop = new AbortController();
    const restored: [kind: string, fields: readonly string[]][] = [];
    let client: KubeClient;
    let running: Promise<unknown>;
    const liveOf = (object: KubernetesObject) =>
      client.get<LiveObject>(resourceOfManifest(object), object.metadata);
    const send = async (request: Request) => {
      const { status, body } = await cluster().api.send(request);
      return { status, message: JSON.stringify(body) };
    };

    beforeAll(async () => {
      client = createKubeClient({ kubeConfig: cluster().plane.kubeConfig(), userAgent: "policy-test" });
      const logger = createLogger("test", "silent");
      const caches = createCaches({ client, logger });
      const deps = {
        client,
        informers: caches.admissionPolicies,
        desired: DESIRED,
        onRestored: ({ kind }: KubernetesObject, fields: readonly string[]) =>
          void restored.push([kind, fields]),
        onServed: (isServed: boolean) => expect(isServed).toBe(true),
      };
      const controller = createController(
        { logger, metrics: createReconcileMetrics(new Registry()) },
        {
          name: "admissionpolicy",
          watches: admissionPolicyWatches(deps),
          reconcile: createAdmissionPolicyReconciler(deps),
        },
      );
      const informers = caches.admissionPolicies.map((informer) => informer.run(stop.signal));
      await Promise.all(caches.admissionPolicies.map(({ synced }) => synced));
      running = Promise.all([...informers, controller.run(stop.signal)]);
    });
    afterAll(async () => {
      stop.abort();
      await running;
      await client?.close();
    });

    it("leaves what the chart installed as it is", async () => {
      const before = await Promise.all(DESIRED.map(liveOf));
      expect(before.map((object) => object?.spec)).toEqual(DESIRED.map(({ spec }) => spec));
      expect(restored).toEqual([]);
    });

    it.each<[string, LiveObject, Request, string[]]>([
      ["a deleted policy", POLICY, remove(pathTo(POLICY)), []],
      ["a deleted binding", BINDING, remove(pathTo(BINDING)), []],
      [
        "an exclusion that was added to a policy",
        POLICY,
        mergePatch(pathTo(POLICY), {
          spec: {
            matchConstraints: {
              excludeResourceRules: [
                { apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"], operations: ["*"] },
              ],
            },
          },
        }),
        ["spec.matchConstraints.excludeResourceRules"],
      ],
      [
        "a policy that fails open",
        POLICY,
        mergePatch(pathTo(POLICY), { spec: { failurePolicy: "Ignore" } }),
        ["spec.failurePolicy"],
      ],
      [
        "a condition that was added to a policy",
        POLICY,
        jsonPatch(pathTo(POLICY), [
          { op: "add", path: "/spec/matchConditions/-", value: { name: "never", expression: "false" } },
        ]),
        ["spec.matchConditions[never]"],
      ],
      [
        "a condition that was added by server-side apply",
        POLICY,
        apply(pathTo(POLICY), {
          ...{ apiVersion: POLICY.apiVersion, kind: POLICY.kind },
          spec: { matchConditions: [{ name: "never", expression: "false" }] },
        }),
        ["spec.matchConditions[never]"],
      ],
      [
        "a binding that only warns",
        BINDING,
        mergePatch(pathTo(BINDING), { spec: { validationActions: ["Warn"] } }),
        ["spec.validationActions[0]"],
      ],
      [
        "a binding that was narrowed",
        BINDING,
        mergePatch(pathTo(BINDING), {
          spec: { matchResources: { namespaceSelector: { matchLabels: { never: "yes" } } } },
        }),
        ["spec.matchResources"],
      ],
      [
        "a policy that lost the label by which it is watched",
        POLICY,
        jsonPatch(pathTo(POLICY), [{ op: "remove", path: "/metadata/labels" }]),
        ["metadata.labels"],
      ],
    ])("restores %s, and reports it once", async (_, object, request, fields) => {
      restored.length = 0;
      const answer = await send(request);
      expect(answer.status, answer.message).toBe(200);
      await eventually(() => expect(restored).toEqual([[object.kind, fields]]));
      const live = await liveOf(object);
      expect(live?.spec).toEqual(object.spec);
      expect(live?.metadata.labels).toEqual(object.metadata.labels);
    });

    it("owns nothing, so that an upgrade of the chart conflicts with nothing", async () => {
      restored.length = 0;
      const upgraded = { ...POLICY, spec: { ...POLICY.spec, matchConditions: [] } };
      const answer = await send({
        ...apply(pathTo(POLICY), upgraded),
        path: `${pathTo(POLICY)}?fieldManager=helm`,
      });
      expect(answer.status, answer.message).toBe(200);
      await eventually(async () => expect((await liveOf(POLICY))?.spec).toEqual(POLICY.spec));
    });

    it("leaves an upgrade to enforcement Audit possible after it restored a binding that only warned", async () => {
      restored.length = 0;
      const warning = mergePatch(pathTo(BINDING), { spec: { validationActions: ["Warn"] } });
      expect((await send(warning)).status).toBe(200);
      const owners = async () => {
        const { managedFields = [] } = (await liveOf(BINDING))?.metadata ?? {};
        return managedFields.map(({ manager, operation }) => `${manager} ${operation}`);
      };
      await eventually(async () => expect([restored.length, await owners()]).toEqual([1, ["helm Apply"]]));
      const audit = { ...BINDING, spec: { ...BINDING.spec, validationActions: ["Warn", "Audit"] } };
      const answer = await send({
        ...apply(pathTo(BINDING), audit),
        path: `${pathTo(BINDING)}?fieldManager=helm&dryRun=All`,
      });
      expect(answer.status, answer.message).toBe(200);
    });
  });
}
