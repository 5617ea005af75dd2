import { sleep } from "../../../src/platform/shutdown.ts";
import type { OperatorProcess } from "../admission/operator-process.ts";
import { sovereignName } from "./fleet.ts";
import { editLatency } from "./measurement.ts";
import type { Observer } from "./observer.ts";
import type { OperatorWorld } from "./world.ts";

/** Seconds from a fault until the operator applies an edit made during the fault. */
export interface FaultResult {
  leaderKilled: number;
  leaderStopped: number;
  /** Counts from the time when the API server answers again. */
  apiServerBack: number;
}

const AWAY_MS = 10_000;
const EDITED = sovereignName(2);

/** `leader` leads at the start. */
export async function measureFaults(
  deps: { world: OperatorWorld; observer: Observer },
  leader: OperatorProcess,
): Promise<FaultResult> {
  const { world } = deps;
  const second = await world.startOperator();
  const third = await world.startOperator();
  const seconds = async (fault: () => Promise<void>, replicas: number) => {
    const startMs = performance.now();
    await fault();
    await editLatency(deps, EDITED, replicas);
    return (performance.now() - startMs) / 1_000;
  };
  const leaderKilled = await seconds(() => leader.kill(), 5);
  // Either of the two others may be the leader now. Stopping both, one after the other, stops the leader once.
  const stopped: number[] = [];
  stopped.push(await seconds(async () => void second.stop(), 6));
  const fourth = await world.startOperator();
  stopped.push(await seconds(async () => void third.stop(), 7));
  await world.killControlPlane();
  await sleep(AWAY_MS);
  await world.restartControlPlane();
  const apiServerBack = await seconds(async () => {}, 8);
  await fourth.stop();
  return { leaderKilled, leaderStopped: Math.max(...stopped), apiServerBack };
}
