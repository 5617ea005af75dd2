import {
  FAULT_KINDS,
  isConcerned,
  LASTING_KINDS,
  type PlannedFault,
  seededRandom,
} from "./operator-fault.ts";

export const STAGES = ["creation", "upgrade", "drift", "deletion"] as const;
export type Stage = (typeof STAGES)[number];
/** The fault in each stage of one Sovereign. */
export type Plan = Record<Stage, PlannedFault | undefined>;

/** Sovereigns side by side, each with an operator process of its own. */
export const AT_ONCE = 12;
/** A fixed seed selects the same faults each time. */
export const SEED = 20_261_129;
export const NO_FAULT: Plan = {
  creation: undefined,
  upgrade: undefined,
  drift: undefined,
  deletion: undefined,
};

/** Kinds that occur at each call. Each of the other kinds occurs at every third call, so together they cover all calls. */
const AT_EACH_CALL: readonly string[] = ["crash", "lost"];
const EVERY = 3;

/** The faults at the calls that the undisturbed stages made, for Sovereigns side by side. */
export function planFaults(
  callsOf: (stage: Stage) => string[],
  { sample, isBrief }: { sample: number | undefined; isBrief: boolean },
): Plan[][] {
  const faultsOf = (stage: Stage) =>
    FAULT_KINDS.flatMap((kind, index) =>
      callsOf(stage)
        .filter((call) => isConcerned(kind, call))
        .map((_, i): PlannedFault => ({ kind, call: i + 1 }))
        .filter(({ call }) => AT_EACH_CALL.includes(kind) || (call + index) % EVERY === 0),
    );
  const plans = plansOf(faultsOf, sample);
  const lasting = LASTING_KINDS.map((kind): Plan => {
    const fault = { kind, call: 1 };
    return { creation: fault, upgrade: fault, drift: fault, deletion: fault };
  });
  const batches = Array.from({ length: Math.ceil(plans.length / AT_ONCE) }, (_, i) =>
    plans.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );
  return isBrief ? batches : [lasting, ...batches];
}

/** A crash occurs at each call of the hub to the spoke. So does one of these kinds, by rotation. */
const IN_ROTATION = ["lost", "late", "reset", "409", "429", "500"] as const;

/** `callCount` is the number of calls to the spoke in the undisturbed stage. */
export function planHubFaults(callCount: (stage: Stage) => number, sample: number | undefined): Plan[] {
  return plansOf((stage) => {
    const numbers = Array.from({ length: callCount(stage) }, (_, i) => i + 1);
    return [
      ...numbers.map((call) => ({ kind: "crash" as const, call })),
      ...numbers.map((call) => ({ kind: IN_ROTATION[call % IN_ROTATION.length] ?? "lost", call })),
    ];
  }, sample);
}

/** Plans that have each fault of each stage once, or `sample` faults of each stage at random. */
function plansOf(faultsOf: (stage: Stage) => PlannedFault[], sample: number | undefined): Plan[] {
  const random = seededRandom(SEED);
  const [creation = [], upgrade = [], drift = [], deletion = []] = STAGES.map((stage) => {
    const all = faultsOf(stage);
    if (sample === undefined) return all;
    return Array.from({ length: sample }, () => all.splice(random(all.length), 1)[0]);
  });
  const size = Math.max(...[creation, upgrade, drift, deletion].map((faults) => faults.length));
  return Array.from({ length: size }, (_, i) => ({
    creation: creation[i],
    upgrade: upgrade[i],
    drift: drift[i],
    deletion: deletion[i],
  }));
}
