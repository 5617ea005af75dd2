import { type DenialReport, formatRows, mergeRows, parseRows } from "../admission/denial-report.ts";
import { ADMISSION_REPORT, SYSTEM_NAMESPACE } from "../api/name.ts";
import type { ConfigMapObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../kube/error.ts";
import { CONFIG_MAPS } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";

const KEY = { name: ADMISSION_REPORT.configMap, namespace: SYSTEM_NAMESPACE };
const WRITE_MS = 60_000;
/** More conflicts than replicas that write at the same moment: something else keeps writing. */
const MAX_ATTEMPTS = 20;

/**
 * Adds this replica's denials to ConfigMap catalyst-admission-report, at most once a minute and once more at the end. All
 * replicas add to one list: each write follows the version that was read, so no replica overwrites another's rows.
 */
export async function writeAdmissionReport(deps: {
  client: Pick<KubeClient, "get" | "create" | "replace">;
  report: DenialReport;
  logger: Logger;
  signal: AbortSignal;
  intervalMs?: number;
}): Promise<void> {
  const { client, report, logger, signal, intervalMs = WRITE_MS } = deps;

  async function write(): Promise<void> {
    const rows = report.take();
    if (rows.length === 0) return;
    try {
      for (let attempt = 1; !(await add(rows)); attempt += 1)
        if (attempt === MAX_ATTEMPTS) throw new Error("other clients keep writing it");
    } catch (error) {
      report.putBack(rows);
      logger.warn(
        { error: errorMessage(error) },
        "could not write the admission report; trying again in a minute",
      );
    }
  }

  /** Returns false when another replica wrote between the read and the write. */
  async function add(rows: ReturnType<DenialReport["take"]>): Promise<boolean> {
    const known = await client.get<ConfigMapObject>(CONFIG_MAPS, KEY);
    const merged = mergeRows(parseRows(known?.data?.[ADMISSION_REPORT.key] ?? ""), rows);
    const data = { ...known?.data, [ADMISSION_REPORT.key]: formatRows(merged) };
    try {
      await (known === undefined
        ? client.create<ConfigMapObject>(CONFIG_MAPS, {
            ...{ apiVersion: "v1", kind: "ConfigMap", metadata: KEY },
            data,
          })
        : client.replace<ConfigMapObject>(CONFIG_MAPS, { ...known, data }));
      return true;
    } catch (error) {
      if (isAlreadyExists(error) || isConflict(error) || isNotFound(error)) return false;
      throw error;
    }
  }

  while (!signal.aborted) {
    await sleep(intervalMs, signal);
    await write();
  }
}
