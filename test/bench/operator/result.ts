import type { Bar } from "../bar.ts";
import type { ProfileLine } from "../profile.ts";
import type { FaultResult } from "./fault.ts";
import type { Convergence, EditLatency, Rest } from "./measurement.ts";
import type { FleetScenario } from "./scenario.ts";

export interface FleetResult {
  scenario: FleetScenario;
  /** The resident memory of an operator without any Sovereign. */
  emptyMib: number;
  convergence: Convergence;
  rest: Rest;
  edit: EditLatency;
  /** The same while billing in the Pods of one in ten Sovereigns does not answer; of the others. */
  editWhilePodsHang: EditLatency;
  faults: FaultResult | undefined;
  /** Where the time goes until all are Ready, when asked for. The other figures are then those of a profiled process. */
  profile: { functions: ProfileLine[] } | undefined;
}

export interface OperatorBenchResult {
  fleets: FleetResult[];
  bars: Bar[];
}
