import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../src/api/billing-release.ts";
import { findCondition } from "../../../src/api/condition.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { Sovereign } from "../../../src/api/sovereign.ts";
import type { PodObject } from "../../../src/controllers/sovereign/observed.ts";
import {
  CONFIG_MAPS,
  DEPLOYMENTS,
  JOBS,
  NETWORK_POLICIES,
  POD_DISRUPTION_BUDGETS,
  PODS,
  SERVICE_ACCOUNTS,
  SERVICES,
} from "../../../src/kube/resource.ts";
import { IMAGE, NEXT_IMAGE, release, sovereign } from "../builder/catalyst-object.ts";
import type { ControllerRun } from "../process/controller-run.ts";
import { RELEASES, SOVEREIGNS, settled, useOperatorBench } from "../process/operator-bench.ts";
import { editBillingImage } from "../server/api-request.ts";
import { startWebhookServer, type WebhookServer } from "../server/webhook-server.ts";
import { until } from "../wait.ts";

const NAMESPACE = "sovereign-zero";
const KEY = { namespace: NAMESPACE, name: "billing" };
const MIRRORED = NEXT_IMAGE.replace("registry.example", "mirror.local/cache");
const TOLERATION = { key: "vendor.example/pool", operator: "Exists" };

/** The kinds of objects that the webhook reviews. */
const REVIEWED = [
  ...[DEPLOYMENTS, JOBS, SERVICES, CONFIG_MAPS],
  ...[SERVICE_ACCOUNTS, POD_DISRUPTION_BUDGETS, NETWORK_POLICIES],
];

/** The namespace admits no other Pods. */
const RESTRICTED = {
  securityContext: {
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    runAsNonRoot: true,
    seccompProfile: { type: "RuntimeDefault" },
  },
};

interface PodTemplate {
  metadata: { annotations?: Record<string, string> };
  spec: { containers: { name: string; image: string }[]; tolerations?: object[] };
}
type Templated = KubernetesObject & { spec?: { template?: PodTemplate } };

/** Writes of the operator to the API server. A dry run of server-side apply counts too. */
const writesIn = (calls: readonly string[]) =>
  calls.filter((call) => !/^(get|list) |^(probe|smoke)$/.test(call));

/**
 * A mutating webhook of another vendor that changes each write of each object. A service mesh injects a sidecar, a mirror
 * rewrites image references, and a cost product adds tolerations, labels and an annotation with the time.
 */
export function describeOtherWebhook(start?: Parameters<typeof useOperatorBench>[0]): void {
  const bench = useOperatorBench(start);
  let webhook: WebhookServer;
  let run: ControllerRun;
  let reviews = 0;

  function mutated(object: Templated): Templated {
    const changed = structuredClone(object);
    reviews += 1;
    const { metadata, spec } = changed;
    metadata.labels = { ...metadata.labels, "vendor.example/team": "billing" };
    metadata.annotations = { ...metadata.annotations, "vendor.example/reviewed": `${reviews}` };
    const pod = spec?.template?.spec;
    if (pod === undefined) return changed;
    for (const container of pod.containers)
      container.image = container.image.replace(/^registry\.example\//, "mirror.local/cache/");
    if (!pod.containers.some(({ name }) => name === "vendor-proxy"))
      pod.containers.push({ name: "vendor-proxy", image: "mirror.local/proxy:1", ...RESTRICTED });
    pod.tolerations = [TOLERATION];
    return changed;
  }

  const configuration = () => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: "vendor" },
    webhooks: [
      {
        name: "mutate.vendor.example",
        admissionReviewVersions: ["v1"],
        sideEffects: "None",
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": NAMESPACE } },
        rules: [
          {
            operations: ["CREATE", "UPDATE"],
            apiGroups: ["", "apps", "batch", "policy", "networking.k8s.io"],
            apiVersions: ["*"],
            resources: REVIEWED.map(({ plural }) => plural),
          },
        ],
        clientConfig: { url: `${webhook.url}/mutate`, caBundle: webhook.caBundle },
      },
    ],
  });

  const deployment = async () => (await bench.client().get<Templated>(DEPLOYMENTS, KEY))?.spec?.template;

  describe("a mutating webhook of another vendor that changes every write", () => {
    beforeAll(async () => {
      webhook = await startWebhookServer((request) => {
        const object = mutated(request.object as Templated);
        // A whole member in each operation, so that a patch needs no parent.
        const operations = [
          { op: "replace", path: "/metadata", value: object.metadata },
          ...(object.spec === undefined ? [] : [{ op: "replace", path: "/spec", value: object.spec }]),
        ];
        const patch = Buffer.from(JSON.stringify(operations)).toString("base64");
        return { response: { allowed: true, patchType: "JSONPatch", patch } };
      });
      await bench.client().request({
        method: "POST",
        path: "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations",
        body: configuration(),
      });
      await bench.client().create<BillingRelease>(RELEASES, release());
      run = bench.startControllers();
      await bench.client().create<Sovereign>(SOVEREIGNS, sovereign("zero", { role: "CatalystZero" }));
    });
    afterAll(() => webhook?.close());

    it("lets a Sovereign become Ready with what the webhook added", async () => {
      await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
      await settled(run);
      const template = await deployment();
      expect(template?.spec.containers.map(({ name, image }) => [name, image])).toEqual([
        ["billing", MIRRORED],
        ["vendor-proxy", "mirror.local/proxy:1"],
      ]);
      expect(template?.spec.tolerations).toEqual([TOLERATION]);
      const [job] = (await bench.client().list<Templated>(JOBS, { namespace: NAMESPACE })).items;
      expect(job?.spec?.template?.spec.containers[0]?.image).toBe(MIRRORED);
    });

    it("causes no write at rest, no drift and no conflict", async () => {
      const before = [run.calls.length, reviews];
      // A change of the Sovereign makes the operator look at each object.
      const billing = { deadlines: { migration: "20m" } };
      await bench.client().mergePatch(SOVEREIGNS, { name: "zero" }, { spec: { billing } });
      await until(async () => {
        const { metadata, status } = (await bench.sovereign("zero")) ?? {};
        return status?.observedGeneration === metadata?.generation ? true : undefined;
      }, "the new generation is observed");
      await bench.awaitCondition("zero", "Ready", "True");
      await settled(run);
      expect(new Set(writesIn(run.calls.slice(before[0])))).toEqual(new Set(["apply Sovereign zero"]));
      expect(reviews).toBe(before[1]);
      expect(run.drifts).toEqual([]);
    });

    it("causes no write when another process takes over", async () => {
      await run.stop();
      const versions = () =>
        Promise.all(
          REVIEWED.map(async (resource) =>
            (await bench.client().list(resource, { namespace: NAMESPACE })).items.map(
              ({ metadata }) => `${resource.kind} ${metadata.name} ${metadata.resourceVersion}`,
            ),
          ),
        );
      const before = await versions();
      expect(before).not.toContainEqual([]);
      run = bench.startControllers();
      await until(() => run.reconciles.includes("zero"), "a reconcile of the new process");
      await bench.awaitCondition("zero", "Ready", "True");
      await settled(run);
      expect(await versions()).toEqual(before);
      expect(run.drifts).toEqual([]);
    });

    it("hides no edit by hand: the operator puts it back once", async () => {
      await editBillingImage(bench.client(), NAMESPACE, "registry.example/edited:1");
      await until(
        async () => (await deployment())?.spec.containers[0]?.image === MIRRORED,
        async () => JSON.stringify(await deployment()),
      );
      await bench.awaitCondition("zero", "Ready", "True");
      await settled(run);
      expect(run.drifts).toEqual([
        { sovereign: "zero", kind: "Deployment", fields: ["spec.template.spec.containers[billing].image"] },
      ]);
      const reasons = (await bench.events("zero")).map(({ reason }) => reason);
      expect(reasons).not.toContain("FieldConflict");
    });

    it("is named in Migrated when its sidecar keeps the Pod of a migration running", async () => {
      bench.simulation().hangingMigrations.add(NAMESPACE);
      await bench.client().mergePatch(RELEASES, { name: "stable" }, { spec: { image: IMAGE } });
      const hanging = await until(async () => {
        const { items } = await bench.client().list<PodObject>(PODS, { namespace: NAMESPACE });
        return items.find(
          ({ metadata, status }) => "job-name" in (metadata.labels ?? {}) && status?.phase === "Running",
        );
      }, "the Pod of the migration runs");
      const [migrate, proxy] = ["migrate", "vendor-proxy"].map((name) => ({
        ...{ name, image: IMAGE, imageID: IMAGE, ready: false, restartCount: 0 },
      }));
      const at = "2026-11-30T12:00:00Z";
      const containerStatuses = [
        { ...migrate, state: { terminated: { exitCode: 0, startedAt: at, finishedAt: at } } },
        { ...proxy, ready: true, state: { running: { startedAt: at } } },
      ];
      await bench.client().mergePatch(PODS, hanging.metadata, { status: { containerStatuses } }, "status");
      const seen = await bench.awaitCondition("zero", "Migrated", "False", "SidecarRunning", 30_000);
      expect(findCondition(seen.status?.conditions, "Migrated")?.message).toContain(
        `container vendor-proxy of Pod ${hanging.metadata.name}, which is not the operator's, still runs`,
      );
      await bench.simulation().endMigration(NAMESPACE);
      await bench.awaitCondition("zero", "Ready", "True", undefined, 30_000);
    });
  });
}
