import type { Finding } from "../admission/rules/environment-policy.ts";
import { type AdmissionInput, objectPath } from "../admission/rules/request.ts";
import { FINDING_REPORT, mergeFindings, type PolicyFinding, parseFindings } from "../api/policy-finding.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Logger } from "../platform/log.ts";
import { type PendingRows, writeSharedReport } from "./shared-report.ts";

export interface FindingRows extends PendingRows<PolicyFinding> {
  record(finding: Finding, input: AdmissionInput): void;
}

/** Collects the rules that installs broke, until they are written. */
export function createFindingRows(now: () => Date): FindingRows {
  let rows: PolicyFinding[] = [];
  const add = (added: readonly PolicyFinding[]) => {
    rows = mergeFindings(rows, added, now().getTime());
  };
  return {
    record({ policy, rule, enforcement, violation }, input) {
      const finding: PolicyFinding = {
        ...{ policy, rule, enforcement, count: 1, lastTime: now().toISOString() },
        environment: input.namespace,
        user: cut(input.user.username, 256) || "(no name)",
        object: cut(objectPath(input), 512),
        message: cut(violation.message, 2_048),
      };
      add([finding]);
    },
    take() {
      const taken = rows;
      rows = [];
      return taken;
    },
    putBack: add,
  };
}

const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`;

/** Controllers retry a denied install every few seconds, so one write covers many of their requests. */
const WRITE_MS = 30_000;

/** Adds this replica's findings to ConfigMap catalyst-policy-findings, from which the leader writes the policies' status. */
export const writeFindingReport = ({
  now,
  ...deps
}: {
  client: Pick<KubeClient, "get" | "create" | "replace">;
  rows: FindingRows;
  logger: Logger;
  signal: AbortSignal;
  now: () => Date;
  intervalMs?: number;
}): Promise<void> =>
  writeSharedReport({
    intervalMs: WRITE_MS,
    ...deps,
    target: FINDING_REPORT,
    merge: (known, rows) => JSON.stringify(mergeFindings(parseFindings(known), rows, now().getTime())),
  });
