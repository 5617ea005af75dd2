import { describe, expect, it } from "vitest";
import { ANNOTATION } from "../../../../src/api/label.ts";
import type { Sovereign, SovereignStatus } from "../../../../src/api/sovereign.ts";
import type { Spokes } from "../../../../src/controllers/spoke/link.ts";
import { finishRemote, reconcileRemote } from "../../../../src/controllers/spoke/reconcile.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import {
  condition,
  franchise,
  IMAGE,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
  verifiedOn,
} from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

type Spoke = Extract<Awaited<ReturnType<Spokes["linkOf"]>>, { kind: "spoke" }>["spoke"];
type State = ReturnType<Spoke["state"]>;

const client = { server: "https://spoke", mergePatch: async () => undefined } as unknown as KubeClient;
const reachable = (uid = "spoke-uid"): State => ({
  kind: "reachable",
  session: { client, uid, caches: {} } as unknown as Extract<State, { kind: "reachable" }>["session"],
});
const unreachable = (status: number): State => ({
  ...{ kind: "unreachable", since: new Date(NOW), cause: "no route to host", status },
});

const own = (status?: SovereignStatus, spec: Partial<Sovereign["spec"]> = {}): Sovereign => {
  const made = sovereign(
    "omantel",
    {
      role: "Franchised",
      franchise: "omantel",
      cluster: { kubeconfigSecretRef: { name: "k", key: "value" } },
      ...spec,
    },
    status,
  );
  return { ...made, metadata: { ...made.metadata, finalizers: ["catalyst.openova.io/sovereign"] } };
};
const KNOWN: SovereignStatus = { pinnedImage: IMAGE, cluster: { uid: "spoke-uid" } };
/** The hub's status after the Sovereign was Ready. */
const READY: SovereignStatus = {
  ...verifiedOn(IMAGE),
  cluster: { uid: "spoke-uid" },
  conditions: [{ ...condition("Ready", "True"), reason: "Verified" }],
};

/** A context whose Sovereign has this spoke. `calls` lists the calls of the spoke. */
function contextWith(object: Sovereign, state: State, spoke: Partial<Spoke> = {}, hub = "hub-uid") {
  const calls: unknown[] = [];
  const fake: Spoke = {
    state: () => state,
    put: (name, { uid }) => void calls.push(["put", name, uid]),
    remove: (name, uid) => void calls.push(["remove", name, uid]),
    result: () => ({ kind: "applied" }),
    isRemoved: () => false,
    forget: (name) => void calls.push(["forget", name]),
    sovereign: () => undefined,
    run: async () => undefined,
    ...spoke,
  };
  const spokes = {
    hub: () => hub,
    linkOf: async () => ({ kind: "spoke" as const, spoke: fake }),
    forget: (name: string) => void calls.push(["forget all", name]),
  };
  const known = { sovereigns: [object], releases: [release()], franchises: [franchise("omantel")] };
  return { ...contextOf(object, known, { spokes, client }), calls };
}

describe("reconcileRemote", () => {
  it.each<[string, "missing" | "refused", object]>([
    ["waits for a kubeconfig that is missing", "missing", { kind: "waiting", reason: "KubeconfigMissing" }],
    ["stalls on a kubeconfig that is refused", "refused", { kind: "stalled", reason: "KubeconfigRefused" }],
  ])("%s", async (_what, kind, stop) => {
    const spokes = {
      hub: () => "hub-uid",
      linkOf: async () => ({ kind, message: "why" }),
      forget: () => undefined,
    };
    const context = contextOf(own(), {}, { spokes, client });
    expect(await reconcileRemote(context)).toMatchObject({ ...stop, message: "why" });
    expect(context.findings.isUnobserved).toBe(true);
    expect(context.events.map(({ reason }) => reason)).toEqual([(stop as { reason: string }).reason]);
  });

  it.each([
    [0, "ClusterUnreachable"],
    [500, "ClusterUnreachable"],
    [401, "ClusterAccessDenied"],
    [403, "ClusterAccessDenied"],
    [404, "ClusterWithoutOperator"],
  ])(
    "gives the time and the cause when a cluster cannot be reached: status %i is %s",
    async (status, reason) => {
      const context = contextWith(own(KNOWN), unreachable(status));
      expect(await reconcileRemote(context)).toEqual({
        ...{ kind: "unknown", reason },
        message: expect.stringContaining(`since ${NOW}: no route to host`),
      });
      expect(context.calls).toEqual([]);
    },
  );

  it.each([
    ["False", "2026-11-24T11:00:00.000Z", "2026-11-24T11:00:00.000Z"],
    ["False", "2026-11-24T13:00:00.000Z", NOW],
    ["True", "2026-11-24T11:00:00.000Z", NOW],
  ] as const)(
    "says since when a cluster is unreachable, also when the hub started later: %s at %s gives %s",
    async (status, at, since) => {
      const conditions = [condition("ClusterReachable", status, at)];
      const stop = await reconcileRemote(contextWith(own({ ...KNOWN, conditions }), unreachable(0)));
      expect(stop).toMatchObject({ message: expect.stringContaining(`since ${since}: no route`) });
    },
  );

  it("keeps the last status while it connects", async () => {
    const connecting: State = { kind: "connecting" };
    expect(await reconcileRemote(contextWith(own(READY), connecting))).toBeUndefined();
    const first = await reconcileRemote(contextWith(own(), connecting));
    expect(first).toMatchObject({ kind: "unknown", reason: "ClusterConnecting" });
  });

  it("records the identity of a new cluster before anything is written there", async () => {
    const context = contextWith(own(), reachable());
    expect(await reconcileRemote(context)).toMatchObject({
      kind: "waiting",
      reason: "ClusterConnecting",
      retryAfterMs: 1,
    });
    expect([context.findings.facts.cluster, context.calls]).toEqual([{ uid: "spoke-uid" }, []]);
  });

  it("records the image before it writes the Sovereign to its cluster", async () => {
    const context = contextWith(own({ cluster: { uid: "spoke-uid" } }), reachable());
    context.deps.fleets = { decide: () => ({ kind: "update" }) };
    expect(await reconcileRemote(context)).toMatchObject({
      ...{ kind: "waiting", reason: "WaitingForSpoke", retryAfterMs: 1 },
    });
    expect(context.findings.facts.pinnedImage).toBe(NEXT_IMAGE);
    expect(context.calls).toEqual([]);
  });

  it.each<[string, State, string, unknown[]]>([
    ["the hub's own", reachable("hub-uid"), "ClusterIsHub", []],
    ["another one than before", reachable("other"), "ClusterReplaced", [["forget", "omantel"]]],
  ])("refuses a cluster that is %s", async (_which, state, reason, calls) => {
    const context = contextWith(own(KNOWN), state);
    expect(await reconcileRemote(context)).toMatchObject({ kind: "stalled", reason });
    expect(context.calls).toEqual(calls);
  });

  it.each<[string, ReturnType<Spoke["result"]>, object]>([
    ["is under way", { kind: "pending" }, { kind: "waiting", reason: "WaitingForSpoke" }],
    [
      "fails",
      { kind: "failed", reason: "WriteForbidden", message: "no", isFinal: false },
      { kind: "waiting", reason: "WriteForbidden", message: "on the Sovereign's cluster: no" },
    ],
    [
      "fails for good",
      { kind: "failed", reason: "SpokeObjectNotOurs", message: "no", isFinal: true },
      { kind: "stalled", reason: "SpokeObjectNotOurs", message: "on the Sovereign's cluster: no" },
    ],
  ])("says that writing to the cluster %s", async (_what, result, stop) => {
    const context = contextWith(own(KNOWN), reachable(), { result: () => result });
    context.deps.fleets = { decide: () => ({ kind: "wait", reason: "WaitingForWave", message: "later" }) };
    expect(await reconcileRemote(context)).toMatchObject(stop);
    expect(context.calls).toEqual([["put", "omantel", "spoke-uid"]]);
  });

  it.each<[string, Partial<Sovereign["spec"]>, string, object | undefined]>([
    ["counts what the cluster says while the hub writes only other things", {}, NEXT_IMAGE, undefined],
    [
      "waits while the cluster has another spec",
      { parent: "other" },
      NEXT_IMAGE,
      { reason: "WaitingForSpoke" },
    ],
    ["waits while the cluster has another image", {}, IMAGE, { reason: "WaitingForSpoke" }],
  ])("%s", async (_what, other, given, stop) => {
    const status = { ...READY, pinnedImage: NEXT_IMAGE };
    const object = own(status);
    const { cluster: _cluster, ...spec } = { ...object.spec, ...other };
    const live: Sovereign = {
      ...object,
      metadata: { ...object.metadata, annotations: { [ANNOTATION.image]: given } },
      spec,
      status: { ...status, observedGeneration: object.metadata.generation ?? 0 },
    };
    const context = contextWith(object, reachable(), {
      result: () => ({ kind: "pending" }),
      sovereign: () => live,
    });
    context.deps.fleets = { decide: () => ({ kind: "update" }) };
    const found = await reconcileRemote(context);
    expect(found).toEqual(stop === undefined ? undefined : expect.objectContaining(stop));
  });

  it("says that the rollout has not given the Sovereign an image yet", async () => {
    const context = contextWith(own({ cluster: { uid: "spoke-uid" } }, {}), reachable());
    context.deps.fleets = { decide: () => ({ kind: "wait", reason: "WaitingForWave", message: "later" }) };
    expect(await reconcileRemote(context)).toMatchObject({ kind: "waiting", reason: "WaitingForWave" });
  });

  it("suspends the Sovereign on its cluster too, and keeps its image", async () => {
    const context = contextWith(
      own(KNOWN, { suspend: true, role: "SelfHosted", franchise: undefined as never }),
      reachable(),
    );
    expect(await reconcileRemote(context)).toMatchObject({ kind: "unknown", reason: "Suspended" });
    expect(context.calls).toEqual([["put", "omantel", "spoke-uid"]]);
  });

  it("writes nothing for a Sovereign that conflicts with an older one", async () => {
    const older = sovereign("badr", { fqdn: "omantel.example" });
    const context = contextOf(own(), { sovereigns: [older] }, { client });
    expect(await reconcileRemote(context)).toMatchObject({ kind: "stalled", reason: "FqdnTaken" });
  });
});

describe("finishRemote", () => {
  it("sends nothing to a cluster that it never connected to", async () => {
    const context = contextWith(own(), unreachable(0));
    expect(await finishRemote(context)).toBeUndefined();
    expect([context.calls, context.events]).toEqual([[["forget all", "omantel"]], []]);
  });

  it("leaves the cluster of a suspended Sovereign as it is, and says so", async () => {
    const context = contextWith(own(KNOWN, { suspend: true }), unreachable(0));
    expect(await finishRemote(context)).toBeUndefined();
    expect(context.events.map(({ reason }) => reason)).toEqual(["WorkloadKept"]);
  });

  it.each<[string, State, string]>([
    ["is unreachable", unreachable(0), "no route to host"],
    ["does not answer yet", { kind: "connecting" }, "The cluster does not answer yet"],
  ])("waits while the cluster %s, and names the remedy", async (_what, state, cause) => {
    const context = contextWith(own(READY), state);
    const stop = await finishRemote(context);
    expect(stop).toMatchObject({ kind: "waiting", reason: "DeletionBlocked" });
    expect(stop?.message).toContain("set spec.suspend to true");
    expect(stop?.message).toContain(cause);
  });

  it("waits until the Sovereign is deleted there", async () => {
    const waits = contextWith(own(KNOWN), reachable());
    expect(await finishRemote(waits)).toMatchObject({ kind: "waiting", reason: "DeletingOnCluster" });
    const gone = contextWith(own(KNOWN), reachable(), { isRemoved: () => true });
    expect(await finishRemote(gone)).toBeUndefined();
    expect(gone.calls).toEqual([
      ["remove", "omantel", "spoke-uid"],
      ["forget all", "omantel"],
    ]);
    expect(gone.events.map(({ reason }) => reason)).toEqual(["WorkloadDeleted"]);
  });
});
