import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Sovereign } from "../../../../src/api/sovereign.ts";
import { sovereignWatches } from "../../../../src/controllers/sovereign/watch.ts";
import { CONFIG_MAPS } from "../../../../src/kube/resource.ts";
import {
  blueprint,
  franchise,
  measured,
  NEXT_IMAGE,
  NOW,
  release,
  sovereign,
} from "../../../support/builder/catalyst-object.ts";
import { cachesOf, fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect } from "../../../support/builder/watch.ts";

const labelled = (kind: string, name: string, owner?: string): KubernetesObject => ({
  apiVersion: "v1",
  kind,
  metadata: {
    name,
    namespace: "sovereign-omantel",
    ...(owner === undefined ? {} : { labels: { "catalyst.openova.io/sovereign": owner } }),
  },
});

/** The caches of two Sovereigns, and what their events enqueue. */
function watched(others: Sovereign[] = []) {
  const omantel = sovereign("omantel", { role: "Franchised", franchise: "omantel" });
  const badr = sovereign("badr", { namespace: "chosen" });
  const configMaps = fixedInformer<KubernetesObject>(CONFIG_MAPS);
  const caches = { ...cachesOf({ sovereigns: [omantel, badr, ...others] }), others: [configMaps] };
  const watches = sovereignWatches(caches, { watch: { connect: () => undefined } });
  return { caches, configMaps, seen: connect(watches), watches, omantel, badr };
}

describe("sovereignWatches", () => {
  it("lists every Sovereign's key", () => {
    const { watches } = watched();
    expect(watches.flatMap((watch) => watch.keys?.() ?? [])).toEqual(["omantel", "badr"]);
  });

  it("reconciles no Sovereign for a write of its own status", () => {
    const { caches, seen, omantel } = watched();
    caches.sovereigns.announce({
      kind: "updated",
      previous: omantel,
      object: { ...omantel, status: { url: "http://billing" } },
    });
    expect(seen).toEqual([]);
  });

  it("reconciles a Sovereign whose spec changed", () => {
    const { caches, seen, omantel } = watched();
    const object = { ...omantel, metadata: { ...omantel.metadata, generation: 2 } };
    caches.sovereigns.announce({ kind: "updated", previous: omantel, object });
    expect(seen).toEqual(["omantel"]);
  });

  it.each([
    ["of its database", "sovereign-omantel", "billing-db", ["omantel"]],
    ["of its token key, in the namespace that it chose", "chosen", "billing-jwt", ["badr"]],
    ["that no Sovereign names", "sovereign-omantel", "another", []],
    ["of this name in another namespace", "catalyst-system", "billing-db", []],
  ])("reconciles a Sovereign when a Secret %s changes", (_what, namespace, name, expected) => {
    const { caches, seen } = watched();
    const version = (resourceVersion: string): KubernetesObject => ({
      ...{ apiVersion: "v1", kind: "Secret" },
      metadata: { name, namespace, uid: "uid", resourceVersion },
    });
    caches.secretVersions.announce({ kind: "updated", previous: version("1"), object: version("2") });
    expect(seen).toEqual(expected);
    caches.secretVersions.announce({ kind: "deleted", object: version("2") });
    expect(seen).toEqual([...expected, ...expected]);
  });

  it.each(["ConfigMap", "Secret"] as const)(
    "reconciles a Sovereign when the %s of its issuer's authorities changes",
    (kind) => {
      const auth = {
        ...{ issuer: "https://id.example", audience: "billing" },
        caCertificateRef: { kind, name: "ca", key: "ca.crt" },
      };
      const { billing } = sovereign("far").spec;
      const { caches, seen } = watched([sovereign("far", { billing: { ...billing, auth } })]);
      const versions = kind === "Secret" ? caches.secretVersions : caches.authorityVersions;
      for (const [namespace, name] of [
        ["sovereign-far", "ca"],
        ["sovereign-far", "another"],
        ["sovereign-omantel", "ca"],
      ])
        versions.announce({
          kind: "added",
          object: { apiVersion: "v1", kind, metadata: { name: `${name}`, namespace: `${namespace}` } },
        });
      expect(seen).toEqual(["far"]);
    },
  );

  it("reconciles the Sovereigns that conflicted with a deleted one", () => {
    const { caches, seen } = watched();
    caches.sovereigns.announce({ kind: "deleted", object: sovereign("older", { fqdn: "badr.example" }) });
    expect(seen).toContain("badr");
    expect(seen).not.toContain("omantel");
  });

  it("reconciles the Sovereign that waited for a host when another one no longer has it", () => {
    const { caches, seen, omantel } = watched();
    const { billing } = omantel.spec;
    const at = (generation: number, host: string) => ({
      ...omantel,
      metadata: { ...omantel.metadata, generation },
      spec: { ...omantel.spec, billing: { ...billing, ingress: { host, className: "nginx" } } },
    });
    caches.sovereigns.announce({
      kind: "updated",
      previous: at(1, "badr.example"),
      object: at(2, "omantel.example"),
    });
    expect(seen).toEqual(["omantel", "badr"]);
  });

  it.each([
    ["is measured", {}, measured(NEXT_IMAGE), ["omantel", "badr"]],
    ["changes its figures", {}, { updated: 3 }, []],
    ["changes its spec", { generation: 2 }, undefined, ["omantel", "badr"]],
  ])("reconciles the right Sovereigns when a release %s", (_what, metadata, status, expected) => {
    const { caches, seen } = watched();
    const previous = release();
    const object = { ...release({}, status), metadata: { ...previous.metadata, ...metadata } };
    caches.releases.announce({ kind: "updated", previous, object });
    expect(seen).toEqual(expected);
  });

  it("reconciles the Sovereigns on clusters of their own when a rollout starts or is complete", () => {
    const far = sovereign("far", {
      cluster: { kubeconfigSecretRef: { name: "far", key: "value" } },
    });
    const { caches, seen } = watched([far]);
    const open = release({}, { phase: "Baking", rollout: { image: NEXT_IMAGE, stages: [] } });
    const complete = release({}, { rollout: { image: NEXT_IMAGE, stages: [], completedAt: NOW } });
    caches.releases.announce({ kind: "updated", previous: open, object: complete });
    expect(seen).toEqual(["far"]);
    caches.releases.announce({ kind: "updated", previous: complete, object: complete });
    expect(seen).toEqual(["far"]);
  });

  it.each([
    ["whose term starts", {}, { inTerm: true }, ["omantel"]],
    ["whose count changes", {}, { inTerm: false, privateBlueprints: 2 }, []],
    ["whose spec changes", { generation: 2 }, { inTerm: false }, ["omantel"]],
  ])("reconciles the Sovereigns of a Franchise %s", (_what, metadata, status, expected) => {
    const { caches, seen } = watched();
    const previous = { ...franchise("omantel"), status: { inTerm: false } };
    const object = { ...previous, status, metadata: { ...previous.metadata, ...metadata } };
    caches.franchises.announce({ kind: "updated", previous, object });
    expect(seen).toEqual(expected);
  });

  const shop = { visibility: "private", franchise: "omantel" } as const;
  const unverified = { namespace: "catalog-sovereign", verified: "False" } as const;
  it.each([
    ["of the catalog gets a price", blueprint("wiki"), { title: "WIKI", priceBaisa: 5 }, ["omantel", "badr"]],
    [
      "of the catalog changes nothing that is sold",
      blueprint("wiki"),
      { title: "WIKI", icon: "https://x" },
      [],
    ],
    [
      "is a Franchise's own",
      blueprint("shop", shop, { namespace: "catalog-sovereign" }),
      undefined,
      ["omantel"],
    ],
    [
      "is a Franchise's own, unverified, and renamed",
      blueprint("shop", shop, unverified),
      undefined,
      ["omantel"],
    ],
  ])("reconciles the Sovereigns that offer a Blueprint when it %s", (_what, previous, card, expected) => {
    const { caches, seen } = watched();
    const object = { ...previous, spec: { ...previous.spec, card: card ?? { title: "New" } } };
    caches.blueprints.announce({ kind: "updated", previous, object });
    expect(seen).toEqual(expected);
  });

  it.each([
    ["carries a label", labelled("Namespace", "any", "omantel"), ["omantel"]],
    ["a Sovereign wants, with no label", labelled("Namespace", "chosen"), ["badr"]],
    ["concerns no Sovereign", labelled("Namespace", "any"), []],
  ])("reconciles the right Sovereigns for a namespace that %s", (_which, object, expected) => {
    const { caches, seen } = watched();
    caches.namespaces.announce({ kind: "deleted", object });
    expect(seen).toEqual(expected);
  });

  it.each(["deployments", "jobs", "pods"] as const)(
    "reconciles the Sovereign that a label of %s names",
    (name) => {
      const { caches, seen } = watched();
      caches[name].announce({ kind: "deleted", object: labelled("Any", "billing", "badr") });
      caches[name].announce({ kind: "deleted", object: labelled("Any", "theirs") });
      expect(seen).toEqual(["badr"]);
    },
  );

  it("reconciles the Sovereign of every other managed object", () => {
    const { configMaps, seen } = watched();
    configMaps.announce({ kind: "deleted", object: labelled("ConfigMap", "billing-config", "omantel") });
    expect(seen).toEqual(["omantel"]);
  });
});
