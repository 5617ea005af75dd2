import { describe, expect, it } from "vitest";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import type { EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import { placed, reviewed, verdict } from "../../support/builder/admission-request.ts";
import { APPROVAL, judge, PROD, SCORE, SOAK } from "../../support/builder/install-judge.ts";
import {
  chartInstall,
  deployment,
  environmentPolicy,
  helmRelease,
  image,
  ociRepository,
  releaseInstall,
  workloadInstall,
} from "../../support/builder/install-request.ts";

describe("the judge of installs", () => {
  it.each<[string, AdmissionInput]>([
    ["a Deployment", workloadInstall(deployment([image("a")]))],
    ["an OCIRepository", chartInstall(ociRepository("a"))],
    ["a HelmRelease", releaseInstall(helmRelease())],
  ])("denies %s that breaks a rule of its environment", async (_, input) =>
    expect(await judge().rulesOf(input)).toEqual(["environment-approval"]),
  );

  it.each<[string, EnvironmentPolicy[], string]>([
    ["a place without environments", [environmentPolicy("live", [APPROVAL])], "shop"],
    [
      "an environment without policies",
      [environmentPolicy("live", [APPROVAL], { appliesTo: { environments: ["*-stg"] } })],
      "acme-prod",
    ],
    [
      "a policy outside catalyst-system",
      [{ ...environmentPolicy("live", [APPROVAL]), metadata: { name: "live", namespace: "acme-prod" } }],
      "acme-prod",
    ],
  ])("passes installs in %s", async (_, policies, namespace) => {
    const place = namespace === "acme-prod" ? PROD : placed(namespace);
    expect(await judge({ policies }).judgeInstall(workloadInstall(deployment([image("a")])), place)).toEqual(
      verdict(),
    );
  });

  it("reads nothing for a request that installs nothing", async () => {
    const { judgeInstall, read } = judge();
    const unchanged = deployment([image("a")]);
    expect(await judgeInstall(workloadInstall(unchanged, { oldObject: unchanged }), PROD)).toEqual(verdict());
    expect(read).toEqual([]);
  });

  it("denies, warns or annotates as each policy says, and reports every finding", async () => {
    const { judgeInstall, findings } = judge({
      policies: [
        environmentPolicy("strict", [APPROVAL]),
        environmentPolicy("gentle", [SCORE], { enforcement: "Warn" }),
        environmentPolicy("silent", [APPROVAL, SOAK], { enforcement: "Audit" }),
      ],
    });
    const { violations, warnings, auditAnnotations } = await judgeInstall(
      workloadInstall(deployment([image("a")])),
      PROD,
    );
    expect(violations.map(({ rule, message }) => [rule, message.slice(0, 25)])).toEqual([
      ["environment-approval", "EnvironmentPolicy strict "],
    ]);
    expect(warnings.map((text) => text.slice(0, 90))).toEqual([
      "environment-score: metadata.annotations[catalyst.openova.io/score]: EnvironmentPolicy gent",
    ]);
    expect(
      auditAnnotations["environment-policy"]?.split("; silent: ").map((text) => text.slice(0, 50)),
    ).toEqual([
      "silent: environment-approval: metadata.annotations",
      "environment-soak: spec.template.spec.containers[0]",
    ]);
    expect(Object.keys(auditAnnotations)).toEqual(["environment-policy"]);
    expect(findings.map(({ policy, rule, enforcement }) => [policy, rule, enforcement])).toEqual([
      ["strict", "pr-required", "Deny"],
      ["gentle", "re-score-gate", "Warn"],
      ["silent", "pr-required", "Audit"],
      ["silent", "soak", "Audit"],
    ]);
  });

  it("annotates an install that passes by an exception", async () => {
    const exceptions = [
      {
        ...{ environment: "acme-prod", rule: "pr-required" as const, reason: "incident 17" },
        until: "2026-11-29T13:00:00Z",
      },
    ];
    const { judgeInstall, findings } = judge({
      policies: [environmentPolicy("live", [APPROVAL], { exceptions })],
    });
    expect(await judgeInstall(workloadInstall(deployment([image("a")])), PROD)).toEqual(
      verdict({
        auditAnnotations: {
          "environment-exception": "live: pr-required until 2026-11-29T13:00:00Z: incident 17",
        },
      }),
    );
    expect(findings).toEqual([]);
  });
});

describe("the work of a listed controller", () => {
  const CLUSTER = {
    apiVersion: "postgresql.cnpg.io/v1",
    kind: "Cluster",
    name: "database",
    uid: "1",
    controller: true,
  };
  const PODS = { group: "", resource: "pods" };
  const JOBS = { group: "batch", resource: "jobs" };
  const owned = (change: Partial<AdmissionInput>, ...ownerReferences: object[]) =>
    workloadInstall(deployment([image("a")], { ownerReferences }), change);
  const rulesFor = (namespace: string, input: AdmissionInput) =>
    judge({ identity: { kind: "controller", namespace } }).rulesOf(input);

  it.each<[string, string, AdmissionInput]>([
    ["an instance of a database", "cnpg-system", owned(PODS, CLUSTER)],
    ["the Job by which a replica joins", "cnpg-system", owned(JOBS, CLUSTER)],
    [
      "the solver of a challenge",
      "cert-manager",
      owned(PODS, {
        apiVersion: "acme.cert-manager.io/v1",
        kind: "Challenge",
        name: "x",
        uid: "1",
        controller: true,
      }),
    ],
    ["a Pod of a controller that the platform listed", "strimzi", owned(PODS, CLUSTER)],
  ])("passes when it makes %s, so that failover needs no window", async (_, namespace, input) =>
    expect(await rulesFor(namespace, input)).toEqual([]),
  );

  const forged = { ...CLUSTER, apiVersion: "example.org/v1", kind: "Widget" };
  it.each<[string, string, AdmissionInput]>([
    ["a Pod by a generating policy of Kyverno", "kyverno", owned(PODS, CLUSTER)],
    ["a Deployment by a generating policy of Kyverno", "kyverno", owned({}, forged)],
    ["a Pod by Gatekeeper", "gatekeeper-system", owned(PODS, CLUSTER)],
    ["a Pod from a template of External Secrets", "external-secrets", owned(PODS, CLUSTER)],
    ["a Pod that Velero restores", "velero", owned(PODS, CLUSTER)],
    ["the Deployment of a pooler", "cnpg-system", owned({}, CLUSTER)],
    ["a StatefulSet", "monitoring", owned({ resource: "statefulsets" }, CLUSTER)],
    ["a CronJob", "cnpg-system", owned({ ...JOBS, resource: "cronjobs" }, CLUSTER)],
    ["a Pod without an owner", "cnpg-system", owned(PODS)],
    ["a Pod whose owner does not control it", "cnpg-system", owned(PODS, { ...CLUSTER, controller: false })],
    ["a Pod whose owner leaves that open", "cnpg-system", owned(PODS, { ...CLUSTER, controller: undefined })],
    ["a Pod whose owner says so in a text", "cnpg-system", owned(PODS, { ...CLUSTER, controller: "true" })],
    [
      "a Pod with a custom owner beside the one that controls it",
      "cnpg-system",
      owned(PODS, { ...CLUSTER, controller: false }, { ...CLUSTER, apiVersion: "apps/v1" }),
    ],
    ["a Pod whose owner has no uid", "cnpg-system", owned(PODS, { ...CLUSTER, uid: undefined })],
    ["a Pod of a core kind", "cnpg-system", owned(PODS, { ...CLUSTER, apiVersion: "apps/v1" })],
    [
      "a Pod of an installer's kind",
      "cnpg-system",
      owned(PODS, { ...CLUSTER, apiVersion: "helm.toolkit.fluxcd.io/v2" }),
    ],
    [
      "another image in a Pod",
      "cnpg-system",
      owned(
        {
          ...PODS,
          operation: "UPDATE",
          oldObject: reviewed(deployment([image("b")], { ownerReferences: [CLUSTER] })),
        },
        CLUSTER,
      ),
    ],
  ])("judges a controller that makes %s", async (_, namespace, input) =>
    expect(await rulesFor(namespace, input)).toEqual(["environment-approval"]),
  );

  it("judges the same request of a member", async () =>
    expect(await judge().rulesOf(owned(PODS, CLUSTER))).toEqual(["environment-approval"]));
});
