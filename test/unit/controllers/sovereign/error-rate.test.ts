import { afterEach, describe, expect, it } from "vitest";
import type { BillingRelease } from "../../../../src/api/billing-release.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { createErrorRates, type RequestCount } from "../../../../src/controllers/sovereign/error-rate.ts";
import type { PodObject } from "../../../../src/controllers/sovereign/observed.ts";
import { sleep } from "../../../../src/platform/shutdown.ts";
import {
  IMAGE,
  NEXT_IMAGE,
  NOW,
  regressedOn,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";
import { billingPod } from "../../../support/builder/pod.ts";
import { cachesOf } from "../../../support/builder/reconcile-context.ts";
import { eventually } from "../../../support/wait.ts";

const stops: AbortController[] = [];
// Counts that fail are repeated until then.
afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

const OMANTEL = sovereign("omantel", {}, verifiedOn(NEXT_IMAGE));
const BEFORE = { requests: 1_000, serverErrors: 0 };

/** A Pod that is not ready. Its requests count too. */
const pod = (name: string, image = NEXT_IMAGE) => billingPod(name, { image, isReady: false });

/** Measures `pods`, each of which answers with its count or refuses. */
/** Waits until there are no more questions. Without an end, there is one about every millisecond. */
const restOf = (asked: string[]) =>
  eventually(async () => {
    const known = asked.length;
    await sleep(50, new AbortController().signal);
    expect(asked.length).toBe(known);
  });

function ratesOf(
  pods: PodObject[],
  releases: BillingRelease[] = [release()],
  sovereigns: Sovereign[] = [OMANTEL],
) {
  const answers = new Map<string, RequestCount | Promise<RequestCount>>();
  const asked: string[] = [];
  const enqueued: string[] = [];
  const stop = new AbortController();
  stops.push(stop);
  const rates = createErrorRates({
    caches: cachesOf({ pods, releases, sovereigns }),
    async readRequests(baseUrl) {
      asked.push(baseUrl);
      const answer = answers.get(baseUrl);
      if (answer === undefined) throw new Error(`GET ${baseUrl}/metrics failed`);
      return { ...(await answer) };
    },
    now: () => new Date(NOW),
    pace: { firstRetryMs: 1, maxRetryMs: 1, graceMs: 100 },
  });
  rates.connect((key) => void enqueued.push(key), stop.signal);
  const answer = (podName: string, requests: number, serverErrors: number, process = "1") =>
    answers.set(`http://10.0.0.${podName.slice(-1)}:8085`, { process, requests, serverErrors });
  const [own = OMANTEL] = sovereigns;
  const verdict = (image = NEXT_IMAGE) => rates.verdict(own, image, BEFORE);
  /** The next verdict that differs. */
  async function nextVerdict() {
    const known = enqueued.length;
    while (enqueued.length === known) await sleep(1, stop.signal);
    return verdict();
  }
  return { rates, answer, answers, asked, enqueued, verdict, nextVerdict, stop };
}

describe("createErrorRates", () => {
  it("adds up what all Pods of an image answered", async () => {
    const { rates, answer, asked } = ratesOf([pod("pod-1"), pod("pod-2"), pod("old-3", IMAGE)]);
    answer("pod-1", 60, 1);
    answer("pod-2", 40, 2);
    expect(await rates.baseline(OMANTEL, NEXT_IMAGE)).toEqual({
      kind: "counted",
      total: { requests: 100, serverErrors: 3 },
    });
    expect(asked).toEqual(["http://10.0.0.1:8085", "http://10.0.0.2:8085"]);
  });

  it("counts the Pods that answer when others do not", async () => {
    const { rates, answer } = ratesOf([pod("pod-1"), pod("pod-2")]);
    answer("pod-2", 40, 2);
    expect(await rates.baseline(OMANTEL, NEXT_IMAGE)).toMatchObject({
      total: { requests: 40, serverErrors: 2 },
    });
  });

  it.each([
    ["Pods that do not answer", [pod("pod-1")], "GET http://10.0.0.1:8085/metrics failed"],
    [
      "Pods without an address",
      [{ ...pod("pod-1"), status: {} }],
      "no billing Pod of the image has an address",
    ],
    ["no Pods", [], "no billing Pod of the image has an address"],
  ])("says why it cannot count %s", async (_, pods, cause) => {
    const { rates, verdict } = ratesOf(pods);
    expect(await rates.baseline(OMANTEL, NEXT_IMAGE)).toEqual({ kind: "unmeasured", cause });
    expect(await verdict()).toEqual({ kind: "unmeasured", cause });
  });

  it("counts again by itself, and enqueues the Sovereign for another verdict only", async () => {
    const { answer, asked, enqueued, verdict, nextVerdict } = ratesOf([pod("pod-1")]);
    answer("pod-1", 50, 50);
    expect((await verdict())?.kind).toBe("tooFew");
    answer("pod-1", 99, 50);
    const known = asked.length;
    while (asked.length < known + 3) await sleep(1, new AbortController().signal);
    expect(enqueued).toEqual([]);
    answer("pod-1", 100, 50);
    expect(await nextVerdict()).toEqual({ kind: "regressed", total: { requests: 100, serverErrors: 50 } });
    expect(enqueued).toEqual(["omantel"]);
  });

  it("keeps the counts of a container from before its restart", async () => {
    const { answer, verdict, nextVerdict } = ratesOf([pod("pod-1")]);
    answer("pod-1", 90, 5, "first");
    expect((await verdict())?.kind).toBe("tooFew");
    answer("pod-1", 10, 2, "second");
    expect(await nextVerdict()).toEqual({ kind: "regressed", total: { requests: 100, serverErrors: 7 } });
  });

  it("keeps the counts of a deleted Pod", async () => {
    const pods = [pod("pod-1")];
    const { answer, verdict, nextVerdict } = ratesOf(pods);
    answer("pod-1", 90, 50);
    expect((await verdict())?.kind).toBe("tooFew");
    pods.splice(0, 1, pod("pod-2"));
    answer("pod-2", 10, 0);
    expect(await nextVerdict()).toEqual({ kind: "regressed", total: { requests: 100, serverErrors: 50 } });
  });

  it("counts from zero for another image", async () => {
    const pods = [pod("pod-1")];
    const releases = [release()];
    const { answer, verdict } = ratesOf(pods, releases);
    answer("pod-1", 200, 0);
    expect((await verdict())?.kind).toBe("within");
    const [first] = releases;
    if (first === undefined) throw new Error("no release");
    releases.splice(0, 1, { ...first, spec: { ...first.spec, image: IMAGE } });
    pods.splice(0, 1, pod("pod-2", IMAGE));
    answer("pod-2", 20, 0);
    expect((await verdict(IMAGE))?.kind).toBe("tooFew");
  });

  it("counts from zero when an image is tried again", async () => {
    const pods = [pod("pod-1")];
    const { rates, answer, verdict } = ratesOf(pods);
    answer("pod-1", 200, 100);
    expect((await verdict())?.kind).toBe("regressed");
    rates.discard("omantel");
    rates.endReconcile("omantel");
    rates.endReconcile("omantel");
    pods.splice(0, 1, pod("pod-2"));
    answer("pod-2", 20, 0);
    expect((await verdict())?.kind).toBe("tooFew");
  });

  it("keeps the baseline that a reconcile waits for when the count of the previous image ends", async () => {
    const releases = [release()];
    const { rates, answer, answers, enqueued, verdict } = ratesOf([pod("pod-1")], releases);
    answer("pod-1", 100, 0);
    expect((await verdict())?.kind).toBe("within");
    const [first] = releases;
    if (first === undefined) throw new Error("no release");
    const slow = Promise.withResolvers<RequestCount>();
    answers.set("http://10.0.0.1:8085", slow.promise);
    const baseline = rates.baseline(OMANTEL, NEXT_IMAGE);
    releases.splice(0, 1, { ...first, spec: { ...first.spec, image: IMAGE } });
    expect(await baseline).toBeUndefined();
    slow.resolve({ process: "1", requests: 100, serverErrors: 0 });
    while (enqueued.length === 0) await sleep(1, new AbortController().signal);
    expect(await rates.baseline(OMANTEL, NEXT_IMAGE)).toMatchObject({ kind: "counted" });
  });

  it("takes the limit that the release has at each count", async () => {
    const releases = [release()];
    const { answer, verdict, nextVerdict } = ratesOf([pod("pod-1")], releases);
    answer("pod-1", 100, 20);
    expect((await verdict())?.kind).toBe("regressed");
    releases.splice(0, 1, release({ errorRate: { maxIncreasePercent: 20 } }));
    expect((await nextVerdict())?.kind).toBe("within");
  });

  /** A Sovereign on its own cluster, as the hub writes it. */
  const remote = (annotations: Record<string, string>): Sovereign => {
    const labels = { "catalyst.openova.io/managed-by": "hub" };
    return { ...OMANTEL, metadata: { ...OMANTEL.metadata, labels, annotations } };
  };
  const OPEN = release();
  const COMPLETE = release({}, { rollout: { image: NEXT_IMAGE, stages: [], completedAt: NOW } });
  const GIVEN = { "catalyst.openova.io/rolling-out": NEXT_IMAGE };

  it.each<[string, [BillingRelease, Sovereign], [BillingRelease, Sovereign]]>([
    ["the rollout is complete", [OPEN, OMANTEL], [COMPLETE, OMANTEL]],
    ["the Sovereign is deleted", [OPEN, OMANTEL], [COMPLETE, sovereign("other")]],
    ["the hub says on the cluster of the Sovereign that it is", [OPEN, remote(GIVEN)], [OPEN, remote({})]],
  ])("stops without a reconcile when %s", async (_, before, after) => {
    const [releases, sovereigns] = [[before[0]], [before[1]]];
    const { rates, answer, asked, enqueued, verdict } = ratesOf([pod("pod-1")], releases, sovereigns);
    answer("pod-1", 100, 0);
    expect((await verdict())?.kind).toBe("within");
    releases.splice(0, 1, after[0]);
    sovereigns.splice(0, 1, after[1]);
    await restOf(asked);
    expect(enqueued).toEqual([]);
    rates.endReconcile("omantel");
  });

  it.each<[string, Sovereign]>([
    ["of the hub", sovereign("omantel", {}, regressedOn(NEXT_IMAGE))],
    ["on a cluster of its own", { ...remote({}), status: regressedOn(NEXT_IMAGE) }],
  ])("counts a Sovereign %s on after the completion, while its share is too high", async (_, own) => {
    const { rates, answer, verdict, nextVerdict } = ratesOf([pod("pod-1")], [COMPLETE], [own]);
    answer("pod-1", 100, 20);
    expect((await verdict())?.kind).toBe("regressed");
    answer("pod-1", 10_000, 20);
    expect((await nextVerdict())?.kind).toBe("within");
    rates.endReconcile("omantel");
  });

  it("stops when no reconcile asks for the verdict", async () => {
    const { rates, answer, asked, verdict } = ratesOf([pod("pod-1")]);
    answer("pod-1", 100, 0);
    await verdict();
    rates.endReconcile("omantel");
    rates.endReconcile("omantel");
    await restOf(asked);
  });
});
