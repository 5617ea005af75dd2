import type { KubeClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/error.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf, PODS } from "../../kube/resource.ts";
import { errorMessage } from "../../platform/errors.ts";
import type { Logger } from "../../platform/log.ts";
import { type ContainerState, type Pod, podStatus } from "./pod.ts";

export interface PodStatusDeps {
  client: KubeClient;
  pods: Informer<Pod>;
  logger: Logger;
  now: () => Date;
}

/** Writes a Pod's status. A Pod that is gone is no error; any other failure is logged. */
export async function writePodStatus(
  { client, logger }: Pick<PodStatusDeps, "client" | "logger">,
  { metadata }: Pod,
  status: object,
): Promise<void> {
  try {
    await client.mergePatch(PODS, metadata, { metadata: { uid: metadata.uid }, status }, "status");
  } catch (error) {
    if (!isNotFound(error))
      logger.warn({ pod: metadata.name, error: errorMessage(error) }, "pod status not written");
  }
}

/** Writes the states of a Pod's container in their order. During a write only the newest state waits; older ones are dropped. */
export function createPodStatusWriter(deps: PodStatusDeps, pod: Pod, address: string) {
  let pending: ContainerState | undefined;
  let writing: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (pending !== undefined) {
      const state = pending;
      pending = undefined;
      const known = deps.pods.get(keyOf(pod.metadata)) ?? pod;
      if (known.metadata.uid !== pod.metadata.uid) return;
      await writePodStatus(deps, pod, podStatus(known, address, state, deps.now().toISOString()));
    }
    writing = undefined;
  }

  return {
    write(state: ContainerState) {
      pending = state;
      writing ??= drain();
    },
    flush: async () => await writing,
  };
}
