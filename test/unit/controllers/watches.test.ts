import { describe, expect, it } from "vitest";
import { BLUEPRINT, type Blueprint } from "../../../src/api/blueprint.ts";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../src/api/environment-policy.ts";
import { FRANCHISE, type Franchise } from "../../../src/api/franchise.ts";
import { WEBHOOK_CONFIGURATION } from "../../../src/api/name.ts";
import type { ConfigMapObject, KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION, type Organization } from "../../../src/api/organization.ts";
import { SOVEREIGN, type Sovereign } from "../../../src/api/sovereign.ts";
import { blueprintWatches } from "../../../src/controllers/blueprint/controller.ts";
import { environmentPolicyWatches } from "../../../src/controllers/environment-policy/controller.ts";
import { soakWatches } from "../../../src/controllers/environment-policy/soak-controller.ts";
import { franchiseWatches } from "../../../src/controllers/franchise/controller.ts";
import { installedArtifactWatches } from "../../../src/controllers/installed-artifact/controller.ts";
import { organizationWatches } from "../../../src/controllers/organization/controller.ts";
import { webhookConfigurationWatches } from "../../../src/controllers/webhook-configuration/controller.ts";
import type { Watch } from "../../../src/kube/reconcile.ts";
import {
  CLUSTER_ROLE_BINDINGS,
  CLUSTER_ROLES,
  CONFIG_MAPS,
  NAMESPACES,
  RESOURCE_QUOTAS,
  ROLE_BINDINGS,
  resourceOf,
  VALIDATING_WEBHOOK_CONFIGURATIONS,
} from "../../../src/kube/resource.ts";
import { franchise, sovereign } from "../../support/builder/catalyst-object.ts";
import { fixedInformer } from "../../support/builder/reconcile-context.ts";

/** What the watches enqueue from now on. */
function connect(watches: Watch[]): string[] {
  const seen: string[] = [];
  for (const watch of watches) watch.connect((key) => void seen.push(key), new AbortController().signal);
  return seen;
}
const object = (kind: string, name: string, labels?: Record<string, string>): KubernetesObject => ({
  apiVersion: "v1",
  kind,
  metadata: { name, ...(labels === undefined ? {} : { labels }) },
});
const later = <T extends KubernetesObject>(before: T): T => ({
  ...before,
  metadata: { ...before.metadata, generation: 9 },
});

describe("franchiseWatches", () => {
  const setUp = () => {
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE), [
      franchise("omantel"),
      franchise("zain"),
    ]);
    const blueprints = fixedInformer<Blueprint>(resourceOf(BLUEPRINT));
    const caches = {
      sovereigns: fixedInformer<Sovereign>(resourceOf(SOVEREIGN), [
        sovereign("muscat", { role: "Franchised", franchise: "zain" }),
        sovereign("own"),
      ]),
      namespaces: fixedInformer(NAMESPACES),
      clusterRoles: fixedInformer(CLUSTER_ROLES),
      clusterRoleBindings: fixedInformer(CLUSTER_ROLE_BINDINGS),
      roleBindings: fixedInformer(ROLE_BINDINGS),
    };
    const deps = { franchises, blueprints, ...caches } as never;
    return { franchises, blueprints, ...caches, seen: connect(franchiseWatches(deps)) };
  };

  it("enqueues a Franchise whose spec changed, and not one whose status did", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual(["omantel"]);
  });

  it("enqueues the Franchise of a Sovereign", () => {
    const { sovereigns, seen } = setUp();
    sovereigns.announce({ kind: "added", object: sovereign("a", { role: "Franchised", franchise: "zain" }) });
    sovereigns.announce({ kind: "added", object: sovereign("b") });
    expect(seen).toEqual(["zain"]);
    const previous = sovereign("a", { role: "Franchised", franchise: "zain" });
    sovereigns.announce({ kind: "updated", previous, object: { ...previous, status: { url: "http://a" } } });
    expect(seen).toEqual(["zain"]);
  });

  it("enqueues the Franchise whose role or binding changed", () => {
    const { clusterRoles, clusterRoleBindings, roleBindings, seen } = setUp();
    const owned = (kind: string, owner: string) => ({
      ...object(kind, "one"),
      metadata: {
        name: "one",
        ownerReferences: [
          { apiVersion: "catalyst.openova.io/v1alpha1", kind: owner, name: "zain", uid: "1" },
        ],
      },
    });
    for (const cache of [clusterRoles, clusterRoleBindings, roleBindings])
      cache.announce({ kind: "deleted", object: owned(cache.resource.kind, "Franchise") });
    expect(seen).toEqual(["zain", "zain", "zain"]);
    roleBindings.announce({ kind: "deleted", object: owned("RoleBinding", "Organization") });
    roleBindings.announce({ kind: "added", object: object("RoleBinding", "other") });
    expect(seen).toHaveLength(3);
  });

  it("enqueues the Franchise of the Sovereign whose namespace appears, and every one when a catalog does", () => {
    const { namespaces, seen } = setUp();
    const named = (name: string, label?: string) =>
      object("Namespace", name, label === undefined ? {} : { "catalyst.openova.io/sovereign": label });
    for (const [name, label] of [
      ["sovereign-muscat", "muscat"],
      ["sovereign-own", "own"],
      ["sovereign-gone", "gone"],
      ["shop", undefined],
    ] as const)
      namespaces.announce({ kind: "added", object: named(name, label) });
    expect(seen).toEqual(["zain"]);
    namespaces.announce({ kind: "added", object: named("catalog-sovereign") });
    expect(seen).toEqual(["zain", "omantel", "zain"]);
  });

  it("enqueues every Franchise when a Blueprint appears", () => {
    const { blueprints, seen } = setUp();
    blueprints.announce({ kind: "added", object: object("Blueprint", "shop") as Blueprint });
    expect(seen).toEqual(["omantel", "zain"]);
  });
});

const environmentLabels = (organization: string, environment: string) => ({
  "catalyst.openova.io/organization": organization,
  "catalyst.openova.io/environment": environment,
});

describe("soakWatches", () => {
  const namespace = object("Namespace", "acme-stg", environmentLabels("acme", "stg"));
  const policy = object("EnvironmentPolicy", "soak") as EnvironmentPolicy;
  const setUp = () => {
    const policies = fixedInformer<EnvironmentPolicy>(resourceOf(ENVIRONMENT_POLICY));
    const namespaces = fixedInformer(NAMESPACES, [namespace, object("Namespace", "shop")]);
    return { policies, namespaces, seen: connect(soakWatches({ policies, namespaces })) };
  };

  it("enqueues every environment when a policy appears, and none when its status changes", () => {
    const { policies, seen } = setUp();
    policies.announce({ kind: "updated", object: policy, previous: policy });
    expect(seen).toEqual([]);
    policies.announce({ kind: "added", object: policy });
    expect(seen).toEqual(["acme-stg"]);
  });

  it("enqueues a namespace when it becomes an environment or stops being one, and for nothing else", () => {
    const { namespaces, seen } = setUp();
    const plain = object("Namespace", "acme-stg");
    namespaces.announce({ kind: "added", object: object("Namespace", "shop") });
    namespaces.announce({ kind: "updated", object: later(namespace), previous: namespace });
    expect(seen).toEqual([]);
    namespaces.announce({ kind: "updated", object: namespace, previous: plain });
    namespaces.announce({ kind: "updated", object: plain, previous: namespace });
    namespaces.announce({ kind: "deleted", object: namespace });
    expect(seen).toEqual(["acme-stg", "acme-stg", "acme-stg"]);
  });
});

describe("environmentPolicyWatches", () => {
  it("enqueues every policy when an environment appears or goes, and none for another namespace", () => {
    const policy = {
      ...object("EnvironmentPolicy", "window"),
      metadata: { name: "window", namespace: "catalyst-system" },
    };
    const policies = fixedInformer(resourceOf(ENVIRONMENT_POLICY), [policy as EnvironmentPolicy]);
    const findings = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES);
    const seen = connect(environmentPolicyWatches({ policies, namespaces, findings } as never));
    namespaces.announce({ kind: "added", object: object("Namespace", "theirs") });
    namespaces.announce({ kind: "added", object: object("Namespace", "labelled", { team: "a" }) });
    const half = { "catalyst.openova.io/environment": "prod" };
    namespaces.announce({ kind: "added", object: object("Namespace", "half", half) });
    expect(seen).toEqual([]);
    const environment = object("Namespace", "acme-prod", environmentLabels("acme", "prod"));
    namespaces.announce({ kind: "deleted", object: environment });
    expect(seen).toEqual(["catalyst-system/window"]);
    const row = { policy: "score", environment: "acme-prod", rule: "soak", enforcement: "Deny", count: 1 };
    const said = { lastTime: "2026-06-01T00:00:00Z", user: "amal", object: "pods/a", message: "no" };
    findings.announce({
      kind: "added",
      object: {
        ...object("ConfigMap", "catalyst-policy-findings"),
        data: { "findings.json": JSON.stringify([{ ...row, ...said }]) },
      },
    });
    expect(seen).toEqual(["catalyst-system/window", "catalyst-system/score"]);
  });
});

describe("organizationWatches", () => {
  const subscriptions = { connect: () => undefined };

  it("enqueues the Organization whose home an unlabelled namespace occupied", () => {
    const organizations = fixedInformer<Organization>(resourceOf(ORGANIZATION));
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES);
    const roleBindings = fixedInformer<KubernetesObject>(ROLE_BINDINGS);
    const seen = connect(
      organizationWatches({ organizations, namespaces, homes: [roleBindings], subscriptions } as never),
    );
    namespaces.announce({ kind: "deleted", object: object("Namespace", "org-acme") });
    namespaces.announce({ kind: "deleted", object: object("Namespace", "organic") });
    expect(seen).toEqual(["acme"]);
  });

  it("does not enqueue an Organization when only the status of its quota changes", () => {
    const organizations = fixedInformer<Organization>(resourceOf(ORGANIZATION));
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES);
    const quotas = fixedInformer<KubernetesObject>(RESOURCE_QUOTAS);
    const seen = connect(
      organizationWatches({ organizations, namespaces, homes: [quotas], subscriptions } as never),
    );
    const previous = object("ResourceQuota", "organization", { "catalyst.openova.io/organization": "acme" });
    const counted = {
      ...previous,
      metadata: { ...previous.metadata, resourceVersion: "8" },
      status: { used: {} },
    };
    quotas.announce({ kind: "updated", previous, object: counted });
    expect(seen).toEqual([]);
    quotas.announce({ kind: "updated", previous, object: { ...counted, spec: { hard: {} } } as never });
    expect(seen).toEqual(["acme"]);
  });

  it("enqueues the Organization that a namespace's or RoleBinding's label names", () => {
    const organizations = fixedInformer<Organization>(resourceOf(ORGANIZATION));
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES);
    const roleBindings = fixedInformer<KubernetesObject>(ROLE_BINDINGS);
    const seen = connect(
      organizationWatches({ organizations, namespaces, homes: [roleBindings], subscriptions } as never),
    );
    namespaces.announce({ kind: "added", object: object("Namespace", "theirs") });
    namespaces.announce({
      kind: "added",
      object: object("Namespace", "org-acme", { "catalyst.openova.io/organization": "acme" }),
    });
    roleBindings.announce({
      kind: "deleted",
      object: object("RoleBinding", "members", { "catalyst.openova.io/organization": "zain" }),
    });
    expect(seen).toEqual(["acme", "zain"]);
  });
});

describe("webhookConfigurationWatches", () => {
  it("enqueues the one configuration at the start, when another is desired, and when any is changed", () => {
    const configurations = fixedInformer<KubernetesObject>(VALIDATING_WEBHOOK_CONFIGURATIONS);
    const handlers: (() => void)[] = [];
    const onDesired = (handler: () => void) => void handlers.push(handler);
    const seen = connect(webhookConfigurationWatches({ configurations, onDesired } as never));
    expect(seen).toEqual([WEBHOOK_CONFIGURATION]);
    for (const handler of handlers) handler();
    configurations.announce({
      kind: "deleted",
      object: object("ValidatingWebhookConfiguration", WEBHOOK_CONFIGURATION),
    });
    expect(seen).toEqual([WEBHOOK_CONFIGURATION, WEBHOOK_CONFIGURATION, WEBHOOK_CONFIGURATION]);
  });
});

describe("blueprintWatches", () => {
  const blueprint = (name: string, owner?: string) =>
    ({
      ...object("Blueprint", name),
      metadata: { name, namespace: "catalog-sovereign" },
      spec: owner === undefined ? {} : { franchise: owner },
    }) as Blueprint;
  const setUp = () => {
    const blueprints = fixedInformer<Blueprint>(resourceOf(BLUEPRINT), [
      blueprint("shop", "omantel"),
      blueprint("wiki", "zain"),
      blueprint("public"),
    ]);
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE));
    const trust = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const seen = connect(blueprintWatches({ blueprints, franchises, trust }));
    seen.length = 0;
    return { franchises, trust, seen };
  };

  it("enqueues every Blueprint when the trust changes or is deleted", () => {
    const { trust, seen } = setUp();
    const all = ["catalog-sovereign/shop", "catalog-sovereign/wiki", "catalog-sovereign/public"];
    const configMap = object("ConfigMap", "catalyst-trust") as ConfigMapObject;
    trust.announce({ kind: "updated", previous: configMap, object: configMap });
    expect(seen.splice(0)).toEqual(all);
    trust.announce({ kind: "deleted", object: configMap });
    expect(seen).toEqual(all);
  });

  it("enqueues the Blueprints of a Franchise whose spec changed", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual(["catalog-sovereign/shop"]);
  });
});

describe("installedArtifactWatches", () => {
  const setUp = () => {
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES, [
      object("Namespace", "a"),
      object("Namespace", "b"),
    ]);
    const franchises = fixedInformer<Franchise>(resourceOf(FRANCHISE));
    const trust = fixedInformer<ConfigMapObject>(CONFIG_MAPS);
    const deps = { namespaces, franchises, trust } as never;
    const seen = connect(installedArtifactWatches(deps));
    seen.length = 0;
    return { namespaces, franchises, trust, seen };
  };

  it("enqueues every namespace when the trust changes", () => {
    const { trust, seen } = setUp();
    trust.announce({ kind: "deleted", object: object("ConfigMap", "catalyst-trust") as ConfigMapObject });
    expect(seen).toEqual(["a", "b"]);
  });

  it("enqueues every namespace when a Franchise changes its spec or ends, and not when one appears", () => {
    const { franchises, seen } = setUp();
    const previous = franchise("omantel");
    franchises.announce({ kind: "added", object: previous });
    franchises.announce({ kind: "updated", previous, object: { ...previous, status: { inTerm: true } } });
    expect(seen).toEqual([]);
    franchises.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen.splice(0)).toEqual(["a", "b"]);
    franchises.announce({ kind: "deleted", object: previous });
    expect(seen).toEqual(["a", "b"]);
  });

  it("enqueues a namespace that appears or gets other labels", () => {
    const { namespaces, seen } = setUp();
    const previous = object("Namespace", "a", { team: "x" });
    namespaces.announce({ kind: "updated", previous, object: later(previous) });
    expect(seen).toEqual([]);
    namespaces.announce({ kind: "updated", previous, object: object("Namespace", "a", { team: "y" }) });
    namespaces.announce({ kind: "added", object: object("Namespace", "c") });
    expect(seen).toEqual(["a", "c"]);
  });
});
