import { describe, expect, it } from "vitest";
import { createLeaseLock, type Lease } from "../../../src/kube/lease-lock.ts";
import { type Script, sendJson, sendRefusal } from "../../support/server/scripted-api.ts";
import { useScriptedClients } from "../../support/server/scripted-client.ts";

const startClient = useScriptedClients();
const KEY = { name: "operator", namespace: "catalyst-system" };

async function start(script: Script) {
  const { api, client } = await startClient(script);
  const clock = { now: () => new Date("2026-01-01T00:00:00Z"), monotonic: () => 0 };
  const lock = createLeaseLock({ client, lease: KEY, identity: "us", leaseMs: 15_000, clock });
  const writes = () => api.requests.filter(({ method }) => method !== "GET").map(({ body }) => body as Lease);
  return { lock, writes };
}

const lease = (spec?: Lease["spec"]): Lease => ({
  apiVersion: "coordination.k8s.io/v1",
  kind: "Lease",
  metadata: { ...KEY, resourceVersion: "1" },
  ...(spec === undefined ? {} : { spec }),
});
const holding =
  (live: Lease): Script =>
  ({ method }, response) =>
    sendJson(response, 200, method === "GET" ? live : {});

describe("createLeaseLock", () => {
  it.each<[string, Lease["spec"], object]>([
    ["without a spec", undefined, { leaseTransitions: 1, acquireTime: "2026-01-01T00:00:00.000000Z" }],
    ["without a holder", { leaseTransitions: 4 }, { leaseTransitions: 5 }],
    [
      "that it holds itself",
      { holderIdentity: "us", leaseTransitions: 4, acquireTime: "2025-01-01T00:00:00.000000Z" },
      { leaseTransitions: 4, acquireTime: "2025-01-01T00:00:00.000000Z" },
    ],
    [
      "that it holds without the time of its acquisition",
      { holderIdentity: "us" },
      { leaseTransitions: 0, acquireTime: "2026-01-01T00:00:00.000000Z" },
    ],
  ])("acquires a Lease %s", async (_, spec, expected) => {
    const { lock, writes } = await start(holding(lease(spec)));
    expect(await lock.tryAcquire(() => true)).toBe(true);
    expect(writes()).toMatchObject([
      { spec: { ...expected, holderIdentity: "us", leaseDurationSeconds: 15 } },
    ]);
  });

  it("does not acquire a Lease of another holder, nor one that is no longer wanted", async () => {
    const other = await start(holding(lease({ holderIdentity: "other" })));
    expect(await other.lock.tryAcquire(() => true)).toBe(false);
    const unwanted = await start(holding(lease()));
    expect(await unwanted.lock.tryAcquire(() => false)).toBe(false);
    expect([other.writes(), unwanted.writes()]).toEqual([[], []]);
  });

  it("counts a lease from its renewal, within the time since the previous read", async () => {
    let time = 0;
    let live = lease({ holderIdentity: "other", renewTime: "2026-01-01T00:00:00.000000Z" });
    const { client } = await startClient((request, response) => holding(live)(request, response));
    const clock = { now: () => new Date(Date.parse("2026-01-01T00:00:00Z") + time), monotonic: () => time };
    const lock = createLeaseLock({ client, lease: KEY, identity: "us", leaseMs: 15_000, clock });
    const look = async (atMs: number) => {
      time = atMs;
      return [await lock.tryAcquire(() => true), lock.expiresInMs()];
    };
    expect(await look(1_000)).toEqual([false, 15_000]);
    // Renewed at 2.0 s, seen at 2.5 s.
    live = lease({ holderIdentity: "other", renewTime: "2026-01-01T00:00:02.000000Z" });
    expect(await look(2_500)).toEqual([false, 14_500]);
    // A clock that is an hour behind moves the start back by at most a tenth of the lease.
    live = lease({ holderIdentity: "other", renewTime: "2025-12-31T23:00:00.000000Z" });
    expect(await look(9_000)).toEqual([false, 13_500]);
    expect(await look(22_499)).toEqual([false, 1]);
    expect((await look(22_500))[0]).toBe(true);
  });

  it("does not release a Lease of another holder, nor one that does not exist", async () => {
    const other = await start(holding(lease({ holderIdentity: "other" })));
    await other.lock.release();
    const absent = await start((_, response) => sendRefusal(response, 404, "NotFound"));
    await absent.lock.release();
    expect([other.writes(), absent.writes()]).toEqual([[], []]);
  });

  it("releases again after a conflict, and rejects after any other refusal", async () => {
    let refusals = 0;
    const conflicting = await start(({ method }, response) => {
      if (method === "GET") return sendJson(response, 200, lease({ holderIdentity: "us" }));
      refusals += 1;
      return refusals === 1 ? sendRefusal(response, 409, "Conflict") : sendJson(response, 200, {});
    });
    await conflicting.lock.release();
    expect(conflicting.writes().map(({ spec }) => spec?.holderIdentity)).toEqual(["", ""]);
    const refused = await start(({ method }, response) =>
      method === "GET"
        ? sendJson(response, 200, lease({ holderIdentity: "us" }))
        : sendRefusal(response, 403, "Forbidden"),
    );
    await expect(refused.lock.release()).rejects.toMatchObject({ reason: "Forbidden" });
  });
});
