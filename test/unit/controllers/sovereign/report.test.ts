import { describe, expect, it } from "vitest";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { recordSharedAddress } from "../../../../src/controllers/sovereign/report.ts";
import { sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";
import { reconcile } from "../../../support/builder/sovereign-sequence.ts";

const HOST = "vouchers.omantel.example";

/** The Events about a Sovereign of generation 2 with this Ingress. */
function eventsAbout(ingress: Sovereign["spec"]["billing"]["ingress"], observedGeneration?: number) {
  const own = sovereign("omantel");
  if (ingress !== undefined) own.spec.billing.ingress = ingress;
  own.metadata.generation = 2;
  if (observedGeneration !== undefined) own.status = { ...own.status, observedGeneration };
  const context = contextOf(own);
  recordSharedAddress(context);
  return context.events;
}

describe("recordSharedAddress", () => {
  const EVENT = {
    type: "Warning",
    reason: "NoTrustedProxies",
    message:
      "spec.billing.ingress.trustedProxies: is empty, so all visitors behind the Ingress controller share one rate limit; set it to the addresses of the Ingress controller's Pods",
  };

  it.each([
    ["absent", { host: HOST }],
    ["empty", { host: HOST, trustedProxies: [] }],
  ])("records an Event while trustedProxies is %s", (_, ingress) => {
    expect(eventsAbout(ingress)).toEqual([EVENT]);
    expect(eventsAbout(ingress, 1)).toEqual([EVENT]);
  });

  it("is part of a reconcile", async () => {
    const own = sovereign("omantel");
    own.spec.billing.ingress = { host: HOST };
    own.metadata.generation = 2;
    expect((await reconcile(own)).events).toContainEqual(EVENT);
  });

  it("records no second Event for the same generation", () => {
    expect(eventsAbout({ host: HOST }, 2)).toEqual([]);
  });

  it.each([
    ["an Ingress", undefined],
    ["an untrusted proxy", { host: HOST, trustedProxies: ["10.244.0.0/16"] }],
  ])("records no Event about a Sovereign without %s", (_, ingress) => {
    expect(eventsAbout(ingress)).toEqual([]);
  });
});
