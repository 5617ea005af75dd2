import { sleep } from "../../../src/platform/shutdown.ts";
import type { OperatorProcess } from "../admission/operator-process.ts";
import { type Pauses, recordPauses } from "../inspector.ts";
import { type ProfileLine, readCpuProfile, recordCpuProfile } from "../profile.ts";
import type { Observer } from "./observer.ts";
import type { OperatorWorld } from "./world.ts";

/** The parts of a measurement. */
export type Phase = "until Ready" | "at rest" | "edits" | "edits while Pods hang";

interface ProcessProfile {
  /** The share of the time in which the process was not idle, from 0 to 1. */
  busyShare: number;
  functions: ProfileLine[];
}

/** Where the operator and the bench's API server spent their time in a part of the measurement. */
export interface PhaseProfile {
  phase: Phase;
  operator: ProcessProfile;
  apiServer: ProcessProfile;
}

export interface ProcessPauses {
  operator: Pauses;
  apiServer: Pauses;
}

const SAMPLE_MS = 15_000;
const SHOWN = 10;

interface PhaseRecorder {
  /** Profiles while `run` runs. */
  profile(phase: Phase, run: () => Promise<unknown>): Promise<PhaseProfile>;
  /**
   * Profiles for some seconds once half of the fleet is Ready. A profile of the whole time would make the figures those of
   * a profiled process.
   */
  profileHalfReady(observer: Observer, sovereigns: number, timeoutMs: number): Promise<PhaseProfile>;
  /** Adds the pauses of both processes to the result of `run`. */
  pauses<T extends object>(run: () => Promise<T>): Promise<T & { pauses: ProcessPauses }>;
}

export async function createPhaseRecorder(
  world: OperatorWorld,
  operator: OperatorProcess,
): Promise<PhaseRecorder> {
  const urls = { operator: await operator.inspectorUrl(), apiServer: await world.inspectControlPlane() };

  async function profile(phase: Phase, run: () => Promise<unknown>): Promise<PhaseProfile> {
    let apiServer: ProcessProfile | undefined;
    const operatorProfile = await recordCpuProfile(urls.operator, async () => {
      apiServer = summarise(await recordCpuProfile(urls.apiServer, run));
    });
    return { phase, operator: summarise(operatorProfile), apiServer: apiServer as ProcessProfile };
  }

  return {
    profile,
    async profileHalfReady(observer, sovereigns, timeoutMs) {
      await observer.allReady(Math.ceil(sovereigns / 2), timeoutMs);
      const ended = observer.allReady(sovereigns, timeoutMs);
      return profile("until Ready", () => Promise.race([sleep(SAMPLE_MS), ended]));
    },
    async pauses<T extends object>(run: () => Promise<T>) {
      let result: T | undefined;
      let apiServer: Pauses | undefined;
      const operatorPauses = await recordPauses(urls.operator, async () => {
        apiServer = await recordPauses(urls.apiServer, async () => {
          result = await run();
        });
      });
      return { ...(result as T), pauses: { operator: operatorPauses, apiServer: apiServer as Pauses } };
    },
  };
}

function summarise(profile: Parameters<typeof readCpuProfile>[0]): ProcessProfile {
  const { busyShare, functions } = readCpuProfile(profile);
  return { busyShare, functions: functions.slice(0, SHOWN) };
}
