import { SYSTEM_NAMESPACE } from "../api/name.ts";
import type { ConfigMapObject } from "../api/object.ts";
import type { KubeClient } from "../kube/client.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../kube/error.ts";
import { CONFIG_MAPS } from "../kube/resource.ts";
import { errorMessage } from "../platform/errors.ts";
import type { Logger } from "../platform/log.ts";
import { sleep } from "../platform/shutdown.ts";

const WRITE_MS = 60_000;
/**
 * More than the number of replicas that could write at the same moment. After so many conflicts, another client keeps
 * writing.
 */
const MAX_ATTEMPTS = 20;

/** Rows that wait to be written. */
export interface PendingRows<Row> {
  /** Returns the rows and removes them. */
  take(): Row[];
  /** Adds rows that could not be written. */
  putBack(rows: readonly Row[]): void;
}

/**
 * Adds this replica's rows to a ConfigMap of catalyst-system, at most once in each interval and once more at the end. All
 * replicas add to one list: each write follows the version that was read, so no replica overwrites another's rows.
 */
export async function writeSharedReport<Row>(deps: {
  client: Pick<KubeClient, "get" | "create" | "replace">;
  target: { configMap: string; key: string };
  rows: PendingRows<Row>;
  /** The new text of the key. */
  merge(known: ConfigMapObject | undefined, rows: readonly Row[]): string;
  logger: Logger;
  signal: AbortSignal;
  intervalMs?: number;
}): Promise<void> {
  const { client, target, rows: pending, merge, logger, signal, intervalMs = WRITE_MS } = deps;
  const metadata = { name: target.configMap, namespace: SYSTEM_NAMESPACE };

  async function write(): Promise<void> {
    const rows = pending.take();
    if (rows.length === 0) return;
    try {
      for (let attempt = 1; !(await add(rows)); attempt += 1)
        if (attempt === MAX_ATTEMPTS) throw new Error("other clients keep writing it");
    } catch (error) {
      pending.putBack(rows);
      logger.warn(
        { configMap: target.configMap, error: errorMessage(error) },
        "could not write a report; trying again at the next interval",
      );
    }
  }

  /** Returns false when another replica wrote between the read and the write. */
  async function add(rows: readonly Row[]): Promise<boolean> {
    const known = await client.get<ConfigMapObject>(CONFIG_MAPS, metadata);
    const data = { ...known?.data, [target.key]: merge(known, rows) };
    try {
      await (known === undefined
        ? client.create<ConfigMapObject>(CONFIG_MAPS, {
            ...{ apiVersion: "v1", kind: "ConfigMap" },
            metadata,
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
