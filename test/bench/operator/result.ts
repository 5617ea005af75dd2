import type { Bar } from "../bar.ts";
import type { FaultResult } from "./fault.ts";
import type { Convergence, EditLatency, Rest } from "./measurement.ts";
import type { Phase, PhaseProfile, ProcessPauses } from "./phase-profile.ts";
import type { FleetScenario } from "./scenario.ts";

export interface FleetResult {
  scenario: FleetScenario;
  /** The resident memory of an operator without Sovereigns. */
  emptyMib: number;
  /** The live heap without Sovereigns and at rest, measured only in a profiled process. */
  heap: { emptyMib: number | undefined; atRestMib: number | undefined };
  convergence: Convergence;
  rest: Rest;
  edit: EditResult;
  /** Edits of the other Sovereigns, while billing does not answer in the Pods of one in ten. */
  editWhilePodsHang: EditResult;
  faults: FaultResult | undefined;
  /** The functions that took the most time in each part. Empty for small fleets, unless asked for. */
  profiles: PhaseProfile[];
}

/** A latency, and the pauses of both processes in the same time. */
interface EditResult extends EditLatency {
  pauses: ProcessPauses;
}

export interface OperatorBar extends Bar {
  /** The measurement whose profile explains the figure. */
  measuredIn?: { sovereigns: number; phase: Phase };
}

export interface OperatorBenchResult {
  fleets: FleetResult[];
  bars: OperatorBar[];
}
