import { type DenialReport, formatRows, mergeRows, parseRows } from "../admission/denial-report.ts";
import { ADMISSION_REPORT } from "../api/name.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Logger } from "../platform/log.ts";
import { writeSharedReport } from "./shared-report.ts";

/** Adds this replica's denials to ConfigMap catalyst-admission-report. */
export const writeAdmissionReport = ({
  report,
  ...deps
}: {
  client: Pick<KubeClient, "get" | "create" | "replace">;
  report: DenialReport;
  logger: Logger;
  signal: AbortSignal;
  intervalMs?: number;
}): Promise<void> =>
  writeSharedReport({
    ...deps,
    target: ADMISSION_REPORT,
    rows: report,
    merge: (known, rows) => formatRows(mergeRows(parseRows(known?.data?.[ADMISSION_REPORT.key] ?? ""), rows)),
  });
