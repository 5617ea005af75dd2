import { until } from "../../support/wait.ts";
import type { World } from "../support/world.ts";
import { NAMESPACE } from "./installation.ts";

export interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  status: {
    podIP: string;
    podIPs: { ip: string }[];
    containerStatuses: {
      restartCount: number;
      state: { running?: { startedAt: string } };
      lastState: { terminated?: { reason: string; finishedAt: string } };
    }[];
  };
}

export async function leaseOf({ kubectl }: World): Promise<{ holderIdentity?: string; renewTime: string }> {
  const lease = await kubectl(...NAMESPACE, "get", "lease", "catalyst-operator", "--output", "json");
  return JSON.parse(lease).spec;
}

/**
 * Waits for a leader whose Pod stays, and returns its name. For a moment, the lease may have no holder, or its holder is a
 * Pod of an earlier rollout that is ending.
 */
export async function leaderOf(world: World): Promise<string> {
  let leader = "";
  await until(
    async () => {
      const { holderIdentity = "" } = await leaseOf(world);
      const pods = JSON.parse(await world.kubectl(...NAMESPACE, "get", "pods", "--output", "json"))
        .items as Pod[];
      const holder = pods.find(({ metadata }) => metadata.name === holderIdentity);
      if (holder === undefined || holder.metadata.deletionTimestamp !== undefined) return false;
      leader = holderIdentity;
      return true;
    },
    "a Pod that stays holds the lease",
    60_000,
  );
  return leader;
}

export const podOf = async ({ kubectl }: World, name: string): Promise<Pod> =>
  JSON.parse(await kubectl(...NAMESPACE, "get", "pod", name, "--output", "json"));
