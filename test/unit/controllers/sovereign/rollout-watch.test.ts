import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { watchRollout } from "../../../../src/controllers/sovereign/rollout-watch.ts";
import type { InformerEvent } from "../../../../src/kube/informer.ts";
import {
  condition,
  IMAGE,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";
import { cachesOf } from "../../../support/builder/reconcile-context.ts";

const zero = sovereign("zero", { role: "CatalystZero" }, verifiedOn(NEXT_IMAGE));
const alpha = sovereign("alpha", {}, verifiedOn(IMAGE));
const beta = sovereign("beta", {}, verifiedOn(IMAGE));
const onRelease = (own: Sovereign, name: string): Sovereign => ({
  ...own,
  spec: { ...own.spec, billing: { ...own.spec.billing, release: name } },
});

/** Which Sovereigns an event enqueues, with the delay. */
function enqueued(event: InformerEvent<Sovereign>, releases = [release({}, measured(NEXT_IMAGE))]) {
  const caches = cachesOf({ sovereigns: [zero, alpha, beta], releases });
  const seen: [string, number | undefined][] = [];
  watchRollout(caches, () => new Date(NOW)).connect(
    (key, afterMs) => void seen.push([key, afterMs]),
    new AbortController().signal,
  );
  caches.sovereigns.announce(event);
  return seen;
}
const changed = (previous: Sovereign, object: Sovereign) => enqueued({ kind: "updated", previous, object });
const withStatus = (change: object): Sovereign => ({ ...zero, status: { ...zero.status, ...change } });

describe("watchRollout", () => {
  it.each<[string, Sovereign]>([
    ["is verified", withStatus({ conditions: [] })],
    ["takes another image", withStatus({ pinnedImage: IMAGE })],
    [
      "is no longer stalled",
      withStatus({ conditions: [...(zero.status?.conditions ?? []), condition("Stalled", "True")] }),
    ],
    ["is no longer suspended", { ...zero, spec: { ...zero.spec, suspend: true } }],
    ["moves to the release", onRelease(zero, "edge")],
  ])("enqueues the next wave when another Sovereign %s", (_what, previous) => {
    expect(changed(previous, zero)).toEqual([["alpha", undefined]]);
  });

  it("enqueues nothing when a Sovereign changes in another way", () => {
    expect(changed({ ...zero, metadata: { ...zero.metadata, generation: 0 } }, zero)).toEqual([]);
    expect(changed(withStatus({ url: "http://old" }), zero)).toEqual([]);
  });

  it("enqueues the next wave when a Sovereign is deleted, and nothing when one is added", () => {
    expect(enqueued({ kind: "deleted", object: sovereign("gamma") })).toEqual([["alpha", undefined]]);
    expect(enqueued({ kind: "added", object: sovereign("gamma") })).toEqual([]);
  });

  it("enqueues the wave for the end of the bake", () => {
    const releases = [release({ bake: "5m", maxUnavailable: 2 }, measured(NEXT_IMAGE))];
    expect(enqueued({ kind: "deleted", object: sovereign("gamma") }, releases)).toEqual([
      ["alpha", 300_000],
      ["beta", 300_000],
    ]);
  });

  it("enqueues nothing for a release that does not exist", () => {
    expect(enqueued({ kind: "deleted", object: sovereign("gamma") }, [])).toEqual([]);
  });
});
