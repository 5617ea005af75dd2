import { rmSync } from "node:fs";
import { join } from "node:path";
import type { EventRecorder } from "../../kube/event.ts";
import { errorMessage } from "../../platform/errors.ts";
import { podLogFile } from "../process/pod-log.ts";
import type { Watchdog } from "../process/watchdog.ts";
import type { AddressPool } from "./address.ts";
import { runContainer } from "./container.ts";
import type { Entrypoint } from "./container-process.ts";
import type { Pod } from "./pod.ts";
import { createPodStatusWriter, type PodStatusDeps, writePodStatus } from "./pod-status-writer.ts";
import { RENEW_AFTER_MS, writeServiceAccountFiles } from "./service-account.ts";
import { unsupportedInPod } from "./unsupported.ts";
import { createDataFinder, type DataCaches } from "./volume.ts";

export interface PodRuntimeDeps extends PodStatusDeps, DataCaches {
  addresses: AddressPool;
  events: EventRecorder;
  watchdog: Watchdog;
  findImage(image: string): Entrypoint | undefined;
  baseEnv: Record<string, string>;
  caPem: string;
  /** `…/pods` of the state directory. */
  podFolder: string;
  /** `…/logs` of the state directory. */
  logFolder: string;
  crashBackoffMs: number;
}

export const podFolderOf = ({ podFolder }: Pick<PodRuntimeDeps, "podFolder">, { metadata }: Pod): string =>
  join(podFolder, metadata.uid ?? "");

/** Runs a Pod from its start until its container has ended. A Pod that the runner cannot run fails at once, with the reason. */
export async function runPod(pod: Pod, deps: PodRuntimeDeps, signal: AbortSignal): Promise<void> {
  const { name, namespace = "" } = pod.metadata;
  const [container] = pod.spec.containers;
  const unsupported = unsupportedInPod(pod);
  if (container === undefined || unsupported !== undefined)
    return failUnsupported(pod, unsupported ?? "", deps);
  const address = deps.addresses.allocate();
  const folder = podFolderOf(deps, pod);
  const status = createPodStatusWriter(deps, pod, address);
  const token = createPodToken(pod, folder, deps);
  try {
    await runContainer(
      pod,
      container,
      address,
      {
        ...deps,
        folder,
        logFile: podLogFile(deps.logFolder, namespace, name, container.name),
        findData: createDataFinder(deps, pod.metadata.namespace),
        kubeconfig: token.writeKubeconfig,
        recordEvent: (type, reason, message) => deps.events.record(pod, type, reason, message),
        onChange: (state) => status.write(state),
      },
      signal,
    );
  } finally {
    token.stopRenewal();
    await status.flush();
    deps.addresses.release(address);
    rmSync(folder, { recursive: true, force: true });
  }
}

async function failUnsupported(pod: Pod, message: string, deps: PodRuntimeDeps): Promise<void> {
  deps.events.record(pod, "Warning", "Unsupported", message);
  await writePodStatus(deps, pod, { phase: "Failed", reason: "Unsupported", message });
}

/** The token of the Pod's ServiceAccount, written on demand and renewed while the Pod runs. */
function createPodToken(pod: Pod, folder: string, { client, caPem, logger }: PodRuntimeDeps) {
  const { name, namespace = "" } = pod.metadata;
  const { serviceAccountName, automountServiceAccountToken } = pod.spec;
  if (serviceAccountName === undefined || automountServiceAccountToken === false)
    return { writeKubeconfig: async () => undefined, stopRenewal: () => {} };
  const write = () =>
    writeServiceAccountFiles({
      client,
      server: client.server,
      caPem,
      folder: join(folder, "serviceaccount"),
      namespace,
      name: serviceAccountName,
    });
  const renew = () =>
    void write().catch((error: unknown) =>
      logger.warn({ pod: name, error: errorMessage(error) }, "token not renewed"),
    );
  const renewal = setInterval(renew, RENEW_AFTER_MS);
  return { writeKubeconfig: write, stopRenewal: () => clearInterval(renewal) };
}
