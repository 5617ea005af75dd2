import { until } from "../../support/process/billing-process.ts";
import type { World } from "../support/world.ts";
import { NAMESPACE } from "./installation.ts";

export interface Pod {
  metadata: { name: string; uid: string };
  status: {
    podIP: string;
    containerStatuses: { restartCount: number; lastState: { terminated?: { reason: string } } }[];
  };
}

export async function leaseOf({ kubectl }: World): Promise<{ holderIdentity?: string; renewTime: string }> {
  const lease = await kubectl(...NAMESPACE, "get", "lease", "catalyst-operator", "--output", "json");
  return JSON.parse(lease).spec;
}

/** The name of the Pod that leads. Between two leaders, the lease has no holder for a moment. */
export async function leaderOf(world: World): Promise<string> {
  let leader = "";
  await until(async () => {
    leader = (await leaseOf(world)).holderIdentity ?? "";
    return leader !== "";
  }, 30_000);
  return leader;
}

export const podOf = async ({ kubectl }: World, name: string): Promise<Pod> =>
  JSON.parse(await kubectl(...NAMESPACE, "get", "pod", name, "--output", "json"));
