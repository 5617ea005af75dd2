import {
  type Condition,
  findCondition,
  isConditionTrue,
  type NewCondition,
  READY,
  STALLED,
} from "../../api/condition.ts";
import { presentFields } from "../../api/object.ts";
import { SOVEREIGN_CONDITION, type Sovereign, type SovereignStatus } from "../../api/sovereign.ts";
import { hasErrorRegression } from "../sovereign/desired-error-rate.ts";
import type { Findings, Stop } from "../sovereign/findings.ts";
import { OBSERVED_CONDITIONS, stalled, unknown, waiting } from "../sovereign/status.ts";
import { offerOf } from "./desired-spoke.ts";

type Mirror = Pick<Findings, "conditions" | "stop"> & { facts: Partial<SovereignStatus> };

/** The fields of the spoke's status that the hub shows. */
const MIRRORED_FIELDS = [
  "schemaVersion",
  "schemaFingerprint",
  "apiFingerprint",
  "url",
  "verified",
  "migration",
  "lastSmokeTest",
  "errorRate",
] as const satisfies readonly (keyof SovereignStatus)[];
const { imagePinned, rolledOut } = SOVEREIGN_CONDITION;

/** The watch of the cluster ends this wait. */
const later = (message: string): Stop => waiting("WaitingForSpoke", message);

const NO_ANSWER = "look at the operator there if this stays";
const NOT_TAKEN = "the operator on the cluster has not taken the image yet";

/**
 * The hub's findings about a Sovereign on its own cluster. `live` is the Sovereign there, `image` the one that the hub gave
 * it. Findings about another image, or about an earlier spec, are left out, because they prove nothing about this one.
 */
export function desiredMirror(live: Sovereign | undefined, image: string | undefined): Mirror {
  if (live === undefined)
    return { conditions: [], facts: {}, stop: later("the Sovereign is being created on its cluster") };
  const { metadata, status } = live;
  const stop = stopOf(status?.conditions);
  if (status?.observedGeneration !== metadata.generation || stop === "none")
    return {
      conditions: [],
      facts: {},
      stop: later(`the operator on the cluster has not looked at the newest spec yet: ${NO_ANSWER}`),
    };
  if (status?.pinnedImage !== image)
    return {
      conditions: [{ type: rolledOut, status: "False", reason: "WaitingForSpoke", message: NOT_TAKEN }],
      facts: {},
      stop: untakenStop(status?.pinnedImage, stop),
    };
  return {
    conditions: mirroredConditions(status?.conditions),
    facts: presentFields(status ?? {}, MIRRORED_FIELDS),
    stop,
  };
}

/**
 * Why the Sovereign there has not taken the hub's image. An obstacle before its first image is more precise than this wait.
 * One on an earlier image says nothing about the hub's, and must not count as a failure of it.
 */
function untakenStop(pinnedImage: string | undefined, stop: Stop | undefined): Stop {
  if (stop?.kind !== "stalled") return later(`${NOT_TAKEN}: ${NO_ANSWER}`);
  if (pinnedImage === undefined) return stop;
  return later(`${NOT_TAKEN}, and is stalled on the earlier one (${stop.reason}): ${stop.message}`);
}

/** Why the Sovereign there is not Ready; undefined when it is. */
export function stopOf(conditions: readonly Condition[] | undefined): Stop | undefined | "none" {
  const ready = findCondition(conditions, READY);
  if (ready === undefined) return "none";
  const { status, reason, message } = ready;
  if (status === "True") return undefined;
  if (status === "Unknown") return unknown(reason, message);
  return isConditionTrue(conditions, STALLED) ? stalled(reason, message) : waiting(reason, message);
}

/** Leaves out `ImagePinned` while it is True: the hub decides the image, so its own condition gives the reason. */
const mirroredConditions = (conditions: readonly Condition[] = []): NewCondition[] =>
  conditions
    .filter(
      ({ type, status }) => OBSERVED_CONDITIONS.includes(type) && (type !== imagePinned || status !== "True"),
    )
    .map(({ type, status, reason, message }) => ({ type, status, reason, message }));

/**
 * The data that the hub stores about the cluster: its identity, the Franchisee's fields, and the image on which the
 * Sovereign is stalled or more requests fail.
 */
export function desiredClusterStatus(
  uid: string,
  live: Sovereign | undefined,
  before: SovereignStatus["cluster"],
): NonNullable<SovereignStatus["cluster"]> {
  if (live === undefined) return before?.uid === uid ? before : { uid };
  const { pinnedImage, conditions } = live.status ?? {};
  const isStalled = isConditionTrue(conditions, STALLED);
  const hasFailed = isStalled || hasErrorRegression(live.status, pinnedImage);
  return {
    uid,
    ...(hasFailed && pinnedImage !== undefined ? { stalledOn: pinnedImage } : {}),
    ...offerOf(live),
  };
}
