import { describe, expect, it } from "vitest";
import type { Organization } from "../../../../src/api/organization.ts";
import { desiredHome } from "../../../../src/controllers/organization/desired-home.ts";
import { desiredStatus } from "../../../../src/controllers/organization/status.ts";
import { NOW } from "../../../support/builder/catalyst-object.ts";

const organization = (spec: Partial<Organization["spec"]> = {}): Organization => ({
  apiVersion: "catalyst.openova.io/v1alpha1",
  kind: "Organization",
  metadata: { name: "acme", generation: 1 },
  spec: { displayName: "Acme", owner: "salma", sovereign: "omantel", ...spec },
});

describe("an Organization's status", () => {
  it("is Ready with its home, and lists its namespaces by name", () => {
    const observed = { namespaces: ["org-acme", "acme-prod"], problem: undefined };
    expect(desiredStatus(organization(), observed, NOW)).toEqual({
      observedGeneration: 1,
      namespaces: ["acme-prod", "org-acme"],
      conditions: [
        {
          type: "Ready",
          status: "True",
          reason: "HomeReady",
          message: "the home namespace exists, and the owner and the members have their rights in it",
          observedGeneration: 1,
          lastTransitionTime: NOW,
        },
      ],
    });
    expect(observed.namespaces).toEqual(["org-acme", "acme-prod"]);
  });

  it("stalls with the problem of its home", () => {
    const { conditions } = desiredStatus(organization(), { namespaces: [], problem: "taken" }, NOW);
    expect(conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ["Ready", "False", "NamespaceNotOurs", "taken"],
      ["Stalled", "True", "NamespaceNotOurs", "taken"],
    ]);
  });

  it("claims no generation that the object does not have", () => {
    const { generation: _, ...metadata } = organization().metadata;
    const observed = { namespaces: [], problem: undefined };
    expect(desiredStatus({ ...organization(), metadata }, observed, NOW)).not.toHaveProperty(
      "observedGeneration",
    );
  });
});

describe("desiredHome", () => {
  const labels = {
    "catalyst.openova.io/organization": "acme",
    "catalyst.openova.io/sovereign": "omantel",
    "catalyst.openova.io/managed-by": "operator",
  };
  const rbac = "rbac.authorization.k8s.io";

  it("is a namespace, and a RoleBinding that lets the owner edit in it", () => {
    expect(desiredHome(organization())).toEqual([
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "org-acme", labels } },
      {
        apiVersion: `${rbac}/v1`,
        kind: "RoleBinding",
        metadata: { name: "organization-members", namespace: "org-acme", labels },
        roleRef: { apiGroup: rbac, kind: "ClusterRole", name: "edit" },
        subjects: [{ kind: "User", name: "salma", apiGroup: rbac }],
      },
    ]);
  });

  it("names members as RBAC does", () => {
    const members = [
      { kind: "Group" as const, name: "developers" },
      { kind: "ServiceAccount" as const, name: "ci", namespace: "tools" },
    ];
    const [, binding] = desiredHome(organization({ members })) as unknown as { subjects: unknown[] }[];
    expect(binding?.subjects.slice(1)).toEqual([
      { kind: "Group", name: "developers", apiGroup: rbac },
      { kind: "ServiceAccount", name: "ci", namespace: "tools" },
    ]);
  });
});
