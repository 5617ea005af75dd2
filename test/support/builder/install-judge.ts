import { createInstallJudge } from "../../../src/admission/install-judge.ts";
import type { Finding } from "../../../src/admission/rules/environment-policy.ts";
import type { Place } from "../../../src/admission/rules/place.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import type { EnvironmentRule } from "../../../src/api/environment-rule.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import type { SoakRecord } from "../../../src/api/soak-record.ts";
import { GROUP, placed, reviewed, TENANT } from "./admission-request.ts";
import {
  deployment,
  digest,
  environmentPolicy,
  evidence,
  image,
  workloadInstall,
} from "./install-request.ts";

export const NOW = "2026-11-29T12:00:00Z";
export const PROD = placed("acme-prod", {
  [`${GROUP}/organization`]: "acme",
  [`${GROUP}/environment`]: "prod",
});
export const APPROVAL: EnvironmentRule = { "pr-required": { approvers: ["amal"], minimum: 1 } };
export const SCORE: EnvironmentRule = { "re-score-gate": { minimum: 80 } };
export const SOAK: EnvironmentRule = { soak: { from: "stg", duration: "1h" } };
export const approved = (letter: string) => evidence({ approvedBy: `amal@${digest(letter)}` });

/** An API server's object, in namespace acme-prod. */
export const live = (object: object) => reviewed(object) as unknown as KubernetesObject;

/** A judge of a cluster, with the findings that it reported and the objects that it read. */
export function judge({
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

export const ofRelease = (letter: string, name: unknown = "shop") =>
  workloadInstall(deployment([image(letter)], { labels: { "helm.toolkit.fluxcd.io/name": name } }));
