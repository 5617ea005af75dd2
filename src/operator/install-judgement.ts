import type { InstallLookups } from "../admission/install-judge.ts";
import type { Finding } from "../admission/rules/environment-policy.ts";
import { type AdmissionInput, objectPath } from "../admission/rules/request.ts";
import type { EnvironmentPolicy } from "../api/environment-policy.ts";
import { ENVIRONMENT_POLICY } from "../api/environment-policy.ts";
import { GROUP, VERSION } from "../api/kind.ts";
import { SYSTEM_NAMESPACE } from "../api/name.ts";
import type { ConfigMapObject } from "../api/object.ts";
import { parseSoakRecord, soakRecordName } from "../api/soak-record.ts";
import type { KubeClient } from "../kube/client.ts";
import type { EventRecorder } from "../kube/event.ts";
import type { Informer } from "../kube/informer.ts";
import { HELM_RELEASES, keyOf } from "../kube/resource.ts";
import { Counter, type Registry } from "../platform/metrics.ts";
import type { FindingRows } from "./finding-report.ts";

interface PolicyCaches {
  policies: Informer<EnvironmentPolicy>;
  soakRecords: Informer<ConfigMapObject>;
}

const keyInSystem = (name: string) => keyOf({ namespace: SYSTEM_NAMESPACE, name });

export function createInstallLookups(
  client: Pick<KubeClient, "get">,
  { policies, soakRecords }: PolicyCaches,
): InstallLookups {
  return {
    policies: () => policies.list(),
    soakRecord: (environment) => parseSoakRecord(soakRecords.get(keyInSystem(soakRecordName(environment)))),
    readHelmRelease: (namespace, name) => client.get(HELM_RELEASES, { namespace, name }),
  };
}

const AUDITED = "InstallAudited";

/**
 * Counts the rules that installs break, and adds each finding to the rows for the policy's status. The requester does not
 * see a finding of a policy with enforcement Audit, so that one also becomes an Event of the policy. A dry run must have no
 * side effects, so its findings are only counted.
 */
export function createFindingReport(deps: {
  registry: Registry;
  events: EventRecorder;
  policies: Informer<EnvironmentPolicy>;
  rows: Pick<FindingRows, "record">;
}): (finding: Finding, input: AdmissionInput) => void {
  const counter = new Counter({
    name: "catalyst_environment_policy_findings_total",
    help: "Rules of EnvironmentPolicies that installs broke, by policy, rule and enforcement.",
    labelNames: ["policy", "rule", "enforcement"],
    registers: [deps.registry],
  });
  return function report(finding, input) {
    const { policy, rule, enforcement, violation } = finding;
    counter.inc({ policy, rule, enforcement });
    if (input.isDryRun === true) return;
    deps.rows.record(finding, input);
    const metadata = deps.policies.get(keyInSystem(policy))?.metadata;
    if (enforcement !== "Audit" || metadata === undefined) return;
    deps.events.record(
      { apiVersion: `${GROUP}/${VERSION}`, kind: ENVIRONMENT_POLICY.kind, metadata },
      "Warning",
      AUDITED,
      `${input.user.username} installed ${objectPath(input)} in ${input.namespace}: ${violation.message}`,
    );
  };
}
