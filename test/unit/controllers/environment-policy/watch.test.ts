import { describe, expect, it } from "vitest";
import { ENVIRONMENT_POLICY, type EnvironmentPolicy } from "../../../../src/api/environment-policy.ts";
import type { ConfigMapObject, KubernetesObject } from "../../../../src/api/object.ts";
import { environmentPolicyWatches } from "../../../../src/controllers/environment-policy/controller.ts";
import { soakWatches } from "../../../../src/controllers/environment-policy/soak-controller.ts";
import { CONFIG_MAPS, NAMESPACES, resourceOf } from "../../../../src/kube/resource.ts";
import { fixedInformer } from "../../../support/builder/reconcile-context.ts";
import { connect, environmentLabels, later, object } from "../../../support/builder/watch.ts";

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
    const lastDenial = { lastTime: "2026-06-01T00:00:00Z", user: "amal", object: "pods/a", message: "no" };
    findings.announce({
      kind: "added",
      object: {
        ...object("ConfigMap", "catalyst-policy-findings"),
        data: { "findings.json": JSON.stringify([{ ...row, ...lastDenial }]) },
      },
    });
    expect(seen).toEqual(["catalyst-system/window", "catalyst-system/score"]);
  });
});
