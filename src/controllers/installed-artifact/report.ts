import type { KubernetesObject } from "../../api/object.ts";
import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import { listIfServed } from "../../kube/optional-kind.ts";
import { POLICY_REPORTS } from "../../kube/resource.ts";
import { createSingleFlight } from "../../platform/single-flight.ts";
import { desiredReport, type Finding, isSameReport, REPORT_NAME } from "./desired-report.ts";

export interface ReportDeps {
  client: KubeClient;
  fieldManager: string;
  now: () => Date;
}

/** The PolicyReports of all namespaces. Nothing is written where the kind is not served. */
export interface Reports {
  /** Writes the report of a namespace, or deletes it when there is no finding. */
  write(namespace: string, findings: readonly Finding[]): Promise<void>;
  /** Deletes the report of a namespace that is not judged, if it was judged before. */
  clear(namespace: string): Promise<void>;
}

/** Unlike a get, a list shows whether the kind is served. The name keeps it within the operator's role. */
const OURS = { fieldSelector: `metadata.name=${REPORT_NAME}` };

export function createReports({ client, fieldManager, now }: ReportDeps): Reports {
  /**
   * Namespaces that have a report: those that this process wrote, and from the first list on, all others. Without this set,
   * each Sovereign's namespace cost a request that found none.
   */
  const reported = new Set<string>();
  let isListed = false;
  const listReported = createSingleFlight(async () => {
    const reports = (await listIfServed<KubernetesObject>(client, POLICY_REPORTS, OURS)) ?? [];
    for (const { metadata } of reports) reported.add(metadata.namespace ?? "");
    isListed = true;
  });

  async function write(namespace: string, findings: readonly Finding[]): Promise<void> {
    try {
      const [live] = (await client.list<KubernetesObject>(POLICY_REPORTS, { namespace, ...OURS })).items;
      if (findings.length === 0) {
        if (live !== undefined)
          await client.delete(POLICY_REPORTS, { namespace, name: REPORT_NAME }, { uid: live.metadata.uid });
        reported.delete(namespace);
        return;
      }
      reported.add(namespace);
      const desired = desiredReport(namespace, findings, { live, now: now() });
      if (!isSameReport(live, desired)) await client.apply(POLICY_REPORTS, desired, { fieldManager });
    } catch (error) {
      // The kind is not served, or the namespace was deleted meanwhile.
      if (!isNotFound(error)) throw error;
    }
  }

  return {
    write,
    async clear(namespace) {
      if (!isListed) await listReported();
      if (reported.has(namespace)) await write(namespace, []);
    },
  };
}
