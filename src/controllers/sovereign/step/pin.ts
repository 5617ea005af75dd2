import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { turnOf } from "../../billing-release/desired-target.ts";
import { fails, holds, type Stop, waiting } from "../status.ts";
import type { Step } from "./step.ts";

export interface Pinned {
  kind: "pinned";
  /** `repository@sha256:…` */
  image: string;
}

/** The digest to run: the release's, once it is this Sovereign's turn. */
export function pinImage({ deps, sovereign, findings }: Step): Pinned | Stop {
  const { caches, now } = deps;
  const name = sovereign.spec.billing.release;
  const release = caches.releases.get(name);
  if (release === undefined) {
    const message = `BillingRelease ${name} does not exist: apply it`;
    findings.conditions.push(fails(CONDITION.imagePinned, "ReleaseMissing", message));
    return waiting("ReleaseMissing", message);
  }
  const turn = turnOf(sovereign, release, caches.sovereigns.list(), now().getTime());
  if (turn.kind === "later") {
    const current = sovereign.status?.pinnedImage;
    // On its old digest it goes on being looked after; without one there is nothing to run yet.
    if (current !== undefined) return { kind: "pinned", image: current };
    findings.conditions.push(fails(CONDITION.imagePinned, turn.reason, turn.message));
    return waiting(turn.reason, turn.message, turn.retryAfterMs);
  }
  const { image } = release.spec;
  findings.facts.pinnedImage = image;
  findings.conditions.push(holds(CONDITION.imagePinned, "Pinned", image));
  return { kind: "pinned", image };
}
