import { describe, expect, it } from "vitest";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import { ORGANIZATION, type Organization } from "../../../../src/api/organization.ts";
import { organizationWatches } from "../../../../src/controllers/organization/controller.ts";
import { NAMESPACES, RESOURCE_QUOTAS, ROLE_BINDINGS, resourceOf } from "../../../../src/kube/resource.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, object } from "../../../support/builder/watch.ts";

describe("organizationWatches", () => {
  const setUp = () => {
    const organizations = fixedInformer<Organization>(resourceOf(ORGANIZATION));
    const namespaces = fixedInformer<KubernetesObject>(NAMESPACES);
    const roleBindings = fixedInformer<KubernetesObject>(ROLE_BINDINGS);
    const quotas = fixedInformer<KubernetesObject>(RESOURCE_QUOTAS);
    const subscriptions = { connect: () => undefined };
    const deps = { organizations, namespaces, homes: [roleBindings, quotas], subscriptions } as never;
    return { namespaces, roleBindings, quotas, seen: connect(organizationWatches(deps)) };
  };

  it("enqueues the Organization whose home an unlabelled namespace occupied", () => {
    const { namespaces, seen } = setUp();
    namespaces.announce({ kind: "deleted", object: object("Namespace", "org-acme") });
    namespaces.announce({ kind: "deleted", object: object("Namespace", "organic") });
    expect(seen).toEqual(["acme"]);
  });

  it("does not enqueue an Organization when only the status of its quota changes", () => {
    const { quotas, seen } = setUp();
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
    const { namespaces, roleBindings, seen } = setUp();
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
