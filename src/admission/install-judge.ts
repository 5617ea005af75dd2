import { appliesTo, type EnvironmentPolicy } from "../api/environment-policy.ts";
import { SYSTEM_NAMESPACE } from "../api/name.ts";
import { type KubernetesObject, mapOf } from "../api/object.ts";
import { runningSinceMs, type SoakRecord } from "../api/soak-record.ts";
import {
  type AppliedException,
  type Finding,
  type InstallFacts,
  judgeInstall,
} from "./rules/environment-policy.ts";
import { type EvidenceSource, ownEvidence, readEvidence } from "./rules/evidence.ts";
import type { ClusterFacts, Verdict } from "./rules/fact.ts";
import { type Install, installOf } from "./rules/install.ts";
import { isOperatedWorkload } from "./rules/operated-workload.ts";
import type { AdmissionInput } from "./rules/request.ts";

/** Lookups about installs. Only `readHelmRelease` sends a request. The others read caches. */
export interface InstallLookups {
  policies(): readonly EnvironmentPolicy[];
  soakRecord(environment: string): SoakRecord;
  /** Asks the API server. Undefined: there is none of this name. */
  readHelmRelease(namespace: string, name: string): Promise<KubernetesObject | undefined>;
}

/** Judges what a request installs into an environment, once the rules permit it. A request that installs nothing passes. */
export type InstallJudge = (
  input: AdmissionInput,
  facts: Pick<ClusterFacts, "identity" | "place" | "chartSource">,
) => Promise<Verdict>;

const NOTHING: Verdict = { violations: [], warnings: [], auditAnnotations: {} };

export function createInstallJudge(deps: {
  lookups: InstallLookups;
  now: () => Date;
  /** Counts a finding, and reports it to the platform. */
  onFinding: (finding: Finding, input: AdmissionInput) => void;
}): InstallJudge {
  const { lookups, now, onFinding } = deps;

  /** The evidence on the HelmRelease that the object's label names. It counts where it names a digest of the object. */
  async function releaseEvidence({ object, namespace }: AdmissionInput): Promise<EvidenceSource[]> {
    const name = object?.metadata?.labels?.[RELEASE_LABEL];
    if (name === undefined || !NAME.test(name)) return [];
    const release = await lookups.readHelmRelease(namespace, name);
    return release === undefined ? [] : [readEvidence(release.metadata.annotations ?? {}, () => false)];
  }

  async function collect(
    input: AdmissionInput,
    install: Install,
    { environment, chartSource }: Pick<InstallFacts, "environment"> & Pick<ClusterFacts, "chartSource">,
    nowMs: number,
  ): Promise<InstallFacts> {
    const { digest } = mapOf(mapOf(chartSource?.spec).ref);
    return {
      environment,
      evidence: [ownEvidence(input), ...(install.kind === "release" ? [] : await releaseEvidence(input))],
      chartDigest: typeof digest === "string" ? digest : undefined,
      runningSinceMs: (namespace, digest) => runningSinceMs(lookups.soakRecord(namespace), digest, nowMs),
    };
  }

  return async function judge(input, { identity, place, chartSource }) {
    if (place.kind !== "environment" || isOperatedWorkload(input, identity)) return NOTHING;
    const policies = lookups
      .policies()
      .filter((policy) => policy.metadata.namespace === SYSTEM_NAMESPACE && appliesTo(policy, place));
    const install = policies.length === 0 ? undefined : installOf(input);
    if (install === undefined) return NOTHING;
    const nowMs = now().getTime();
    const { organization, environment } = place;
    const known = { environment: { organization, environment }, chartSource };
    const facts = await collect(input, install, known, nowMs);
    const { findings, exceptions } = judgeInstall(install, policies, facts, nowMs);
    for (const finding of findings) onFinding(finding, input);
    return verdictOf(findings, exceptions);
  };
}

/** helm-controller sets this label on each object of a chart. */
const RELEASE_LABEL = "helm.toolkit.fluxcd.io/name";
/** A label becomes part of a path, so it must be a name. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

const textOf = ({ violation: { rule, path, message } }: Finding): string => `${rule}: ${path}: ${message}`;

function verdictOf(findings: readonly Finding[], exceptions: readonly AppliedException[]): Verdict {
  const of = (enforcement: Finding["enforcement"]) =>
    findings.filter((finding) => finding.enforcement === enforcement);
  const audited = of("Audit").map((finding) => `${finding.policy}: ${textOf(finding)}`);
  const excepted = exceptions.map(
    ({ policy, exception: { rule, until, reason } }) => `${policy}: ${rule} until ${until}: ${reason}`,
  );
  return {
    violations: of("Deny").map(({ violation }) => violation),
    warnings: of("Warn").map(textOf),
    auditAnnotations: {
      ...(audited.length === 0 ? {} : { "environment-policy": audited.join("; ") }),
      ...(excepted.length === 0 ? {} : { "environment-exception": excepted.join("; ") }),
    },
  };
}
