import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { checkEligibility } from "../../../../src/controllers/sovereign/eligibility.ts";
import type { KubeClient } from "../../../../src/kube/client.ts";
import { NOW, sovereign } from "../../../support/builder/catalyst-object.ts";
import { contextOf } from "../../../support/builder/reconcile-context.ts";

const namespace = (labels?: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "sovereign-omantel", ...(labels === undefined ? {} : { labels }) },
});
const SOVEREIGN = "catalyst.openova.io/sovereign";
const ORGANIZATION = "catalyst.openova.io/organization";
const remedy = `: delete this Sovereign and create it with another spec.namespace, or label the namespace ${SOVEREIGN}=omantel`;

describe("checkEligibility", () => {
  it("reconciles a Sovereign whose namespace carries its label", async () => {
    const namespaces = [namespace({ [SOVEREIGN]: "omantel" })];
    expect(await checkEligibility(contextOf(sovereign("omantel"), { namespaces }))).toBeUndefined();
  });

  it("waits while the namespace is being deleted, and names the remedy", async () => {
    const own = namespace({ [SOVEREIGN]: "omantel" });
    const namespaces = [{ ...own, metadata: { ...own.metadata, deletionTimestamp: NOW } }];
    expect(await checkEligibility(contextOf(sovereign("omantel"), { namespaces }))).toEqual({
      kind: "waiting",
      reason: "NamespaceTerminating",
      message:
        "namespace sovereign-omantel is being deleted: remove what holds it up (kubectl get namespace sovereign-omantel -o yaml); the operator creates it again afterwards, without its Secrets",
      retryAfterMs: 60_000,
      isWatched: true,
    });
  });

  it("leaves a Sovereign alone that is suspended", async () => {
    expect(await checkEligibility(contextOf(sovereign("omantel", { suspend: true })))).toEqual({
      kind: "unknown",
      reason: "Suspended",
      message: "spec.suspend is true: the operator changes nothing; set it to false to continue",
    });
  });

  it("stalls a Sovereign that conflicts with an older one", async () => {
    const older = sovereign("badr", { fqdn: "omantel.example" });
    const own = sovereign("omantel");
    expect(await checkEligibility(contextOf(own, { sovereigns: [own, older] }))).toEqual({
      kind: "stalled",
      reason: "FqdnTaken",
      message:
        "spec.fqdn omantel.example is already used by Sovereign badr: delete Sovereign omantel, or delete Sovereign badr first",
    });
  });

  it.each([
    ["has no labels", undefined, "exists already and has no owner label"],
    ["has other labels", { team: "theirs" }, "exists already and has no owner label"],
    ["is another Sovereign's", { [SOVEREIGN]: "badr" }, "belongs to Sovereign badr"],
    [
      "is an Organization's on this very Sovereign",
      { [SOVEREIGN]: "omantel", [ORGANIZATION]: "acme" },
      "belongs to Organization acme",
    ],
  ])("stalls when the namespace %s", async (_which, labels, owner) => {
    const context = contextOf(sovereign("omantel"), { namespaces: [namespace(labels)] });
    expect(await checkEligibility(context)).toEqual({
      kind: "stalled",
      reason: "NamespaceNotOurs",
      message: `namespace sovereign-omantel ${owner}${remedy}`,
    });
  });

  it.each([
    ["does not exist", undefined, undefined],
    ["exists", namespace(), "NamespaceNotOurs"],
  ])(
    "asks the API server for a namespace that the cache does not contain: it %s",
    async (_what, live, reason) => {
      const client = {
        get: async (_resource: unknown, key: unknown) => {
          expect(key).toEqual({ name: "sovereign-omantel" });
          return live;
        },
      } as unknown as KubeClient;
      const stop = await checkEligibility(contextOf(sovereign("omantel"), {}, { client }));
      expect(stop?.reason).toBe(reason);
    },
  );
});
