import { SOVEREIGN_CONDITION as CONDITION } from "../../../api/sovereign.ts";
import { turnOf } from "../../billing-release/desired-target.ts";
import { SOVEREIGN_INDEX } from "../cache.ts";
import { fails, holds, type Stop, waiting } from "../status.ts";
import type { Step } from "./step.ts";

export interface Pinned {
  /** `repository@sha256:…`; undefined while there is nothing to run yet. */
  image: string | undefined;
  /** Why nothing new may begin. */
  stop: Stop | undefined;
}

/** The digest to run: the release's, once it is this Sovereign's turn; until then the one that it has. */
export function pinImage({ deps, sovereign, findings }: Step): Pinned {
  const { caches, now } = deps;
  const name = sovereign.spec.billing.release;
  const release = caches.releases.get(name);
  const current = sovereign.status?.pinnedImage;
  if (release === undefined) {
    const message = `BillingRelease ${name} does not exist: apply it`;
    findings.conditions.push(fails(CONDITION.imagePinned, "ReleaseMissing", message));
    return { image: current, stop: waiting("ReleaseMissing", message) };
  }
  const fleet = caches.sovereigns.byIndex(SOVEREIGN_INDEX.release, name);
  const turn = turnOf(sovereign, release, fleet, now().getTime());
  if (turn.kind === "later" && current === undefined) {
    findings.conditions.push(fails(CONDITION.imagePinned, turn.reason, turn.message));
    return { image: undefined, stop: waiting(turn.reason, turn.message, turn.retryAfterMs) };
  }
  if (turn.kind === "later" && current !== undefined) {
    findings.conditions.push(holds(CONDITION.imagePinned, turn.reason, `${current}; ${turn.message}`));
    if (turn.retryAfterMs !== undefined) findings.lookAgainMs = turn.retryAfterMs;
    return { image: current, stop: undefined };
  }
  const { image } = release.spec;
  findings.facts.pinnedImage = image;
  findings.conditions.push(holds(CONDITION.imagePinned, "Pinned", image));
  // What was verified is another image: whoever waits for this one must not take that for it.
  if (current !== undefined && current !== image) {
    findings.conditions.push(
      fails(CONDITION.voucherShapeVerified, "ImageChanged", "the new image is not verified yet"),
    );
  }
  return { image, stop: undefined };
}
