import { describe, expect, it } from "vitest";
import { findCondition } from "../../../../src/api/condition.ts";
import type { Organization } from "../../../../src/api/organization.ts";
import { desiredHome } from "../../../../src/controllers/organization/desired-home.ts";
import {
  desiredStatus,
  type SubscriptionStanding,
  type UnknownSubscription,
} from "../../../../src/controllers/organization/status.ts";
import { NOW } from "../../../support/builder/catalyst-object.ts";

const organization = (spec: Partial<Organization["spec"]> = {}): Organization => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "Organization",
  metadata: { name: "acme", generation: 1 },
  spec: { displayName: "Acme", owner: "salma", sovereign: "omantel", ...spec },
});

describe("an Organization's status", () => {
  it("is Ready with its home, and lists its namespaces by name", () => {
    const observed = { namespaces: ["org-acme", "acme-prod"], problem: undefined, subscription: undefined };
    expect(desiredStatus(organization(), observed, NOW)).toEqual({
      observedGeneration: 1,
      namespaces: ["acme-prod", "org-acme"],
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "HomeReady",
          message:
            "the home namespace exists with its quota and its network policy, and the owner and the members have their rights in it",
          observedGeneration: 1,
          lastTransitionTime: NOW,
        },
      ],
    });
    expect(observed.namespaces).toEqual(["org-acme", "acme-prod"]);
  });

  it("stalls with the problem of its home", () => {
    const { conditions } = desiredStatus(
      organization(),
      { namespaces: [], problem: "taken", subscription: undefined },
      NOW,
    );
    expect(conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ["Ready", "False", "NamespaceNotOurs", "taken"],
      ["Stalled", "True", "NamespaceNotOurs", "taken"],
    ]);
  });

  it("claims no generation that the object does not have", () => {
    const { generation: _, ...metadata } = organization().metadata;
    const observed = { namespaces: [], problem: undefined, subscription: undefined };
    expect(desiredStatus({ ...organization(), metadata }, observed, NOW)).not.toHaveProperty(
      "observedGeneration",
    );
  });
});

describe("an Organization's subscription", () => {
  const ordered = (status?: Organization["status"]): Organization => ({
    ...organization({ order: "17" }),
    ...(status === undefined ? {} : { status }),
  });
  const seen = (it: Organization, subscription: SubscriptionStanding | UnknownSubscription | undefined) => {
    const observed = { namespaces: [], problem: undefined, subscription };
    return findCondition(desiredStatus(it, observed, NOW).conditions, "SubscriptionActive");
  };

  it.each<[string | null, string | undefined, string, string, string]>([
    [
      "active",
      "2026-12-01T00:00:00Z",
      "True",
      "Active",
      "the subscription is active; its period ends at 2026-12-01T00:00:00Z",
    ],
    ["trialing", undefined, "True", "Trialing", "the subscription is trialing"],
    [
      "past_due",
      undefined,
      "False",
      "PastDue",
      "the subscription is past_due: the customer has to settle the payment at the payment processor",
    ],
    [
      "expired",
      undefined,
      "False",
      "Expired",
      "the subscription is expired: a new order of the same tenant starts another one",
    ],
    [
      "canceled",
      "2026-12-01T00:00:00Z",
      "False",
      "Canceled",
      "the subscription is canceled: a new order of the same tenant starts another one",
    ],
    [
      "?",
      undefined,
      "False",
      "StatusUnknown",
      "the subscription is ?: a new order of the same tenant starts another one",
    ],
    [
      null,
      undefined,
      "False",
      "NoSubscription",
      "the tenant has no subscription in billing: an order of the tenant starts one",
    ],
  ])("is reported when billing says %s", (standing, periodEndsAt, status, reason, message) => {
    expect(seen(ordered(), { status: standing, periodEndsAt })).toMatchObject({ status, reason, message });
  });

  it("is not reported for an Organization that no order created", () => {
    expect(seen(organization(), { status: "active", periodEndsAt: undefined })).toBeUndefined();
  });

  it("is Unknown until it is read, and afterwards keeps the last value", () => {
    expect(seen(ordered(), undefined)).toMatchObject({
      ...{ status: "Unknown", reason: "NotRead" },
      message: "the operator has not read the subscription in the billing database of Sovereign omantel yet",
    });
    const read = { status: "canceled", periodEndsAt: undefined };
    const before = seen(ordered(), read);
    expect(before).toBeDefined();
    const conditions = before === undefined ? [] : [before];
    expect(seen(ordered({ conditions }), undefined)).toMatchObject({ status: "False", reason: "Canceled" });
  });

  it.each<[string, UnknownSubscription, string]>([
    [
      "its Sovereign does not exist",
      "sovereign-missing",
      "Sovereign omantel does not exist, so the operator cannot read the subscription: create the Sovereign, or delete this Organization",
    ],
    [
      "the last reading is outdated",
      "outdated",
      "the operator has not read the billing database of Sovereign omantel for hours: check that Sovereign and its database",
    ],
  ])("is Unknown instead of True when %s, and stays so until it is read", (_when, why, message) => {
    const active = seen(ordered(), { status: "active", periodEndsAt: undefined });
    const conditions = active === undefined ? [] : [active];
    const unknown = seen(ordered({ conditions }), why);
    expect(unknown).toMatchObject({ status: "Unknown", reason: "NotRead", message });
    const again = seen(ordered({ conditions: unknown === undefined ? [] : [unknown] }), undefined);
    expect(again?.message).toContain("has not read the subscription");
  });
});

describe("desiredHome", () => {
  const labels = {
    "catalyst.openova.io/organization": "acme",
    "catalyst.openova.io/sovereign": "omantel",
    "catalyst.openova.io/managed-by": "operator",
  };
  const rbac = "rbac.authorization.k8s.io";

  const homeOf = (spec: Partial<Organization["spec"]> = {}) =>
    Object.fromEntries(
      desiredHome(organization(spec), ["kube-system", "ingress-nginx"]).map((object) => [
        object.kind,
        object,
      ]),
    ) as Record<string, unknown>;

  it("is a namespace, and a RoleBinding that lets the owner edit in it", () => {
    const { Namespace, RoleBinding } = homeOf();
    expect(Namespace).toEqual({
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: "org-acme", labels },
    });
    expect(RoleBinding).toEqual({
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata: { name: "organization-members", namespace: "org-acme", labels },
      roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "edit" },
      subjects: [{ kind: "User", name: "salma", apiGroup: rbac }],
    });
  });

  it("has a quota, and requests for containers that make none", () => {
    const metadata = { name: "organization", namespace: "org-acme", labels };
    const { ResourceQuota, LimitRange } = homeOf({
      quota: { cpu: "8", memory: "16Gi", storage: "1Ti", pods: 9 },
    });
    expect(ResourceQuota).toEqual({
      ...{ apiVersion: "v1", kind: "ResourceQuota", metadata },
      spec: {
        hard: { "requests.cpu": "8", "requests.memory": "16Gi", "requests.storage": "1Ti", pods: "9" },
      },
    });
    expect(LimitRange).toEqual({
      ...{ apiVersion: "v1", kind: "LimitRange", metadata },
      spec: { limits: [{ type: "Container", defaultRequest: { cpu: "100m", memory: "128Mi" } }] },
    });
    expect(homeOf().ResourceQuota).toMatchObject({
      spec: {
        hard: { "requests.cpu": "4", "requests.memory": "8Gi", "requests.storage": "50Gi", pods: "50" },
      },
    });
  });

  it("accepts connections from its own namespaces, the platform's and those of cluster controllers", () => {
    expect(homeOf().NetworkPolicy).toEqual({
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
      metadata: { name: "organization", namespace: "org-acme", labels },
      spec: {
        podSelector: {},
        policyTypes: ["Ingress"],
        ingress: [
          {
            from: [
              { namespaceSelector: { matchLabels: { "catalyst.openova.io/organization": "acme" } } },
              {
                namespaceSelector: {
                  matchExpressions: [
                    {
                      ...{ key: "kubernetes.io/metadata.name", operator: "In" },
                      values: ["kube-system", "ingress-nginx"],
                    },
                  ],
                },
              },
            ],
          },
        ],
      },
    });
  });

  it("names the members in the form of RBAC", () => {
    const members = [
      { kind: "Group" as const, name: "developers" },
      { kind: "ServiceAccount" as const, name: "ci", namespace: "tools" },
    ];
    const { subjects } = homeOf({ members }).RoleBinding as { subjects: unknown[] };
    expect(subjects.slice(1)).toEqual([
      { kind: "Group", name: "developers", apiGroup: rbac },
      { kind: "ServiceAccount", name: "ci", namespace: "tools" },
    ]);
  });

  it("gives the Organization as owner to the members' rights only, so that these alone are deleted with it", () => {
    const { metadata, ...rest } = organization();
    const objects = desiredHome({ ...rest, metadata: { ...metadata, uid: "7" } }, []);
    const owned = objects.filter(({ metadata: { ownerReferences } }) => ownerReferences?.[0]?.uid === "7");
    expect(owned.map(({ kind }) => kind)).toEqual(["RoleBinding"]);
    expect(objects).toHaveLength(5);
  });
});
