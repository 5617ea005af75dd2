import { describe, expect, it } from "vitest";
import { createInstallJudge } from "../../../src/admission/install-judge.ts";
import type { Finding } from "../../../src/admission/rules/environment-policy.ts";
import type { Place } from "../../../src/admission/rules/place.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import type { EnvironmentPolicy, EnvironmentRule } from "../../../src/api/environment-policy.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { SoakRecord } from "../../../src/api/soak-record.ts";
import { GROUP, placed, reviewed, TENANT, verdict } from "../../support/builder/admission-request.ts";
import {
  chartInstall,
  deployment,
  digest,
  environmentPolicy,
  evidence,
  helmRelease,
  image,
  ociRepository,
  PIPELINE,
  releaseInstall,
  workloadInstall,
} from "../../support/builder/install-request.ts";

const NOW = "2026-11-29T12:00:00Z";
const PROD = placed("acme-prod", { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "prod" });
const APPROVAL: EnvironmentRule = { "pr-required": { approvers: ["amal"], minimum: 1 } };
const SCORE: EnvironmentRule = { "re-score-gate": { minimum: 80 } };
const SOAK: EnvironmentRule = { soak: { from: "stg", duration: "1h" } };
const approved = (letter: string) => evidence({ approvedBy: `amal@${digest(letter)}` });

/** An API server's object, in namespace acme-prod. */
const live = (object: object) => reviewed(object) as unknown as KubernetesObject;

/** A judge of a cluster, with the findings that it reported and the objects that it read. */
function judge({
  policies = [environmentPolicy("live", [APPROVAL])],
  records = {} as Record<string, SoakRecord>,
  objects = {} as Record<string, KubernetesObject>,
  chart = undefined as object | undefined,
  identity = TENANT,
} = {}) {
  const findings: Finding[] = [];
  const read: string[] = [];
  const chartSource = chart === undefined ? undefined : reviewed(chart);
  const judgeAll = createInstallJudge({
    lookups: {
      policies: () => policies,
      soakRecord: (environment) => records[environment] ?? {},
      readHelmRelease: async (namespace, name) => {
        read.push(`release/${namespace}/${name}`);
        return objects[`release/${namespace}/${name}`];
      },
    },
    now: () => new Date(NOW),
    onFinding: (finding) => findings.push(finding),
  });
  const judgeInstall = (input: AdmissionInput, place: Place) =>
    judgeAll(input, { identity, place, chartSource });
  return {
    findings,
    read,
    judgeInstall,
    rulesOf: async (input: AdmissionInput, place = PROD) =>
      (await judgeInstall(input, place)).violations.map(({ rule }) => rule),
  };
}

const ofRelease = (letter: string, name: unknown = "shop") =>
  workloadInstall(deployment([image(letter)], { labels: { "helm.toolkit.fluxcd.io/name": name } }));

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
  ])("is judged when it makes %s", async (_, namespace, input) =>
    expect(await rulesFor(namespace, input)).toEqual(["environment-approval"]),
  );

  it("is judged when a member sends it", async () =>
    expect(await judge().rulesOf(owned(PODS, CLUSTER))).toEqual(["environment-approval"]));
});

describe("evidence against replay", () => {
  const stamped = (letter: string, annotations: object) => deployment([image(letter)], { annotations });
  const changed = (to: object, before: object, user = { username: "amal", groups: [] as string[] }) =>
    workloadInstall(to, { operation: "UPDATE", oldObject: reviewed(before), user });

  it.each<[string, AdmissionInput, boolean]>([
    [
      "the pipeline's install with its evidence",
      workloadInstall(stamped("a", evidence({ approvedBy: "amal" })), { user: PIPELINE }),
      true,
    ],
    [
      "another image under the evidence of the earlier one",
      changed(stamped("b", evidence({ approvedBy: "amal" })), stamped("a", evidence({ approvedBy: "amal" }))),
      false,
    ],
    [
      "another image under evidence that names the earlier one",
      changed(stamped("b", approved("a")), stamped("a", approved("a"))),
      false,
    ],
    [
      "the image that the pipeline named in advance",
      changed(stamped("b", approved("b")), stamped("a", approved("b"))),
      true,
    ],
    [
      "an image that the request names itself",
      changed(stamped("b", approved("b")), stamped("a", approved("a"))),
      false,
    ],
    [
      "another image in the pipeline's own request under evidence that it leaves as it was",
      changed(
        stamped("b", evidence({ approvedBy: "amal" })),
        stamped("a", evidence({ approvedBy: "amal" })),
        PIPELINE,
      ),
      false,
    ],
    [
      "another image in the pipeline's own request that writes the evidence",
      changed(
        stamped("b", evidence({ approvedBy: "amal" })),
        stamped("a", evidence({ approvedBy: "badr" })),
        PIPELINE,
      ),
      true,
    ],
    [
      "the image that the evidence names, in the pipeline's own request",
      changed(stamped("b", approved("b")), stamped("a", approved("b")), PIPELINE),
      true,
    ],
    [
      "other values in the pipeline's own request under evidence that it leaves as it was",
      releaseInstall(helmRelease({ values: { debug: true } }, { annotations: approved("a") }), {
        operation: "UPDATE",
        oldObject: reviewed(helmRelease({}, { annotations: approved("a") })),
        user: PIPELINE,
      }),
      false,
    ],
    ["a new object with copied evidence", workloadInstall(stamped("b", approved("b"))), false],
  ])("decides about %s", async (_, input, isAllowed) =>
    expect(await judge().rulesOf(input)).toEqual(isAllowed ? [] : ["environment-approval"]),
  );
});

describe("what a chart makes", () => {
  const release = (annotations: object) => ({
    "release/acme-prod/shop": live(helmRelease({}, { name: "shop", annotations })),
  });

  it("passes with its own digest in the evidence of its HelmRelease", async () => {
    const { rulesOf, read } = judge({ objects: release(approved("a")) });
    expect(await rulesOf(ofRelease("a"))).toEqual([]);
    expect(read).toEqual(["release/acme-prod/shop"]);
  });

  it.each<[string, AdmissionInput, Record<string, KubernetesObject>]>([
    ["another digest", ofRelease("b"), release(approved("a"))],
    ["evidence without a digest", ofRelease("a"), release(evidence({ approvedBy: "amal" }))],
    ["a HelmRelease that does not exist", ofRelease("a"), {}],
    ["no HelmRelease in its labels", workloadInstall(deployment([image("a")])), release(approved("a"))],
  ])("is denied with %s", async (_, input, objects) =>
    expect(await judge({ objects }).rulesOf(input)).toEqual(["environment-approval"]),
  );

  it.each(["../secrets/x", "a/b", "", "A", "x".repeat(300), "?a=b"])(
    "reads nothing for the label '%s'",
    async (name) => {
      const { rulesOf, read } = judge();
      expect(await rulesOf(ofRelease("a", name))).toEqual(["environment-approval"]);
      expect(read).toEqual([]);
    },
  );
});

describe("soak of a chart", () => {
  const policies = [environmentPolicy("live", [SOAK])];
  const ran = (since: string, seen = NOW) => ({ "acme-stg": { [digest("a")]: { since, seen } } });

  it("counts for the OCIRepository and for the HelmRelease that refers to it", async () => {
    const { rulesOf } = judge({ policies, chart: ociRepository("a"), records: ran("2026-11-29T11:00:00Z") });
    expect(await rulesOf(chartInstall(ociRepository("a")))).toEqual([]);
    expect(await rulesOf(releaseInstall(helmRelease()))).toEqual([]);
  });

  it.each<[string, Parameters<typeof judge>[0], AdmissionInput]>([
    [
      "it has not run long enough",
      { records: ran("2026-11-29T11:00:00.001Z") },
      chartInstall(ociRepository("a")),
    ],
    [
      "it stopped",
      { records: ran("2026-11-01T00:00:00Z", "2026-11-29T11:44:59Z") },
      chartInstall(ociRepository("a")),
    ],
    [
      "its HelmRelease refers to another digest now",
      {
        records: ran("2026-11-01T00:00:00Z"),
        chart: ociRepository("b"),
      },
      releaseInstall(helmRelease()),
    ],
    [
      "its OCIRepository does not exist",
      { records: ran("2026-11-01T00:00:00Z") },
      releaseInstall(helmRelease()),
    ],
    [
      "the OCIRepository has no digest",
      {
        records: ran("2026-11-01T00:00:00Z"),
        chart: { metadata: {}, spec: { ref: { tag: "1" } } },
      },
      releaseInstall(helmRelease()),
    ],
  ])("does not count when %s", async (_, cluster, input) =>
    expect(await judge({ policies, ...cluster }).rulesOf(input)).toEqual(["environment-soak"]),
  );
});
