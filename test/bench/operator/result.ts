import type { Bar } from "../bar.ts";
import type { ProfileLine } from "../profile.ts";
import type { FaultResult } from "./fault.ts";
import type { Convergence, EditLatency, Rest } from "./measurement.ts";
import type { FleetScenario } from "./scenario.ts";

export interface FleetResult {
  scenario: FleetScenario;
  /** The resident memory of an operator without Sovereigns. */
  emptyMib: number;
  /** The live heap without Sovereigns and at rest, measured only in a profiled process. */
  heap: { emptyMib: number | undefined; atRestMib: number | undefined };
  convergence: Convergence;
  rest: Rest;
  edit: EditLatency;
  /** The latency of edits of the other Sovereigns, while billing does not answer in the Pods of one in ten. */
  editWhilePodsHang: EditLatency;
  faults: FaultResult | undefined;
  /**
   * The functions that took the most time until all were Ready, on request. The other figures are then those of a
   * profiled process.
   */
  profile: { functions: ProfileLine[] } | undefined;
}

export interface OperatorBenchResult {
  fleets: FleetResult[];
  bars: Bar[];
}
