import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import { POLICY_REPORTS } from "../../kube/resource.ts";
import { desiredReport, type Finding, isSameReport, REPORT_NAME } from "./desired-report.ts";

export interface ReportDeps {
  client: KubeClient;
  fieldManager: string;
  now: () => Date;
}

/** Writes the PolicyReport of a namespace, or deletes it when there is no finding. Does nothing where the kind is not served. */
export async function writeReport(
  { client, fieldManager, now }: ReportDeps,
  namespace: string,
  findings: readonly Finding[],
): Promise<void> {
  try {
    // Unlike a get, a list shows whether the kind is served. The name keeps it within the operator's role.
    const fieldSelector = `metadata.name=${REPORT_NAME}`;
    const [live] = (await client.list<KubernetesObject>(POLICY_REPORTS, { namespace, fieldSelector })).items;
    if (findings.length === 0) {
      if (live !== undefined)
        await client.delete(POLICY_REPORTS, { namespace, name: REPORT_NAME }, { uid: live.metadata.uid });
      return;
    }
    const desired = desiredReport(namespace, findings, { live, now: now() });
    if (!isSameReport(live, desired)) await client.apply(POLICY_REPORTS, desired, { fieldManager });
  } catch (error) {
    // The kind is not served, or the namespace was deleted meanwhile.
    if (!isNotFound(error)) throw error;
  }
}
