import { describe, expect, it } from "vitest";
import type { AccountReads } from "../../../src/admission/account-fact.ts";
import type { AddressReads } from "../../../src/admission/address-fact.ts";
import { createFactCollector, ORGANIZATION_INDEXES } from "../../../src/admission/fact-collector.ts";
import { identityLists } from "../../../src/admission/rules/identity.ts";
import { INLINE_DRIVERS } from "../../../src/admission/rules/pod-isolation.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import { evaluateRules } from "../../../src/admission/rules/rule-list.ts";
import type { Franchise } from "../../../src/api/franchise.ts";
import type { Organization } from "../../../src/api/organization.ts";
import { creation, GROUP, NO_READS } from "../../support/builder/admission-request.ts";
import { franchise } from "../../support/builder/catalyst-object.ts";

/** The rules that deny a request on a cluster. */
function reviewer({
  franchises = [] as Franchise[],
  organizations = [] as Organization[],
  namespaces = { shop: {} } as Record<string, Record<string, string>>,
  reads = NO_READS as AccountReads & AddressReads,
} = {}) {
  const collectFacts = createFactCollector({
    lookups: {
      franchises: () => franchises,
      organization: (name) => organizations.find(({ metadata }) => metadata.name === name),
      organizationsBy: (index, key) =>
        organizations.filter((it) => ORGANIZATION_INDEXES[index](it).includes(key)),
      blueprints: () => [],
      sovereigns: () => [],
      namespaceLabels: (name) => namespaces[name],
      readNamespaceLabels: async () => undefined,
      readOciRepository: async () => undefined,
      ...reads,
    },
    lists: identityLists(),
    inlineDrivers: INLINE_DRIVERS,
    now: () => new Date("2026-06-01T00:00:00Z"),
  });
  return {
    rulesOf: async (input: AdmissionInput) =>
      evaluateRules(input, await collectFacts(input)).map(({ rule }) => rule),
  };
}

const organization = (name: string): Organization => ({
  apiVersion: `${GROUP}/v1alpha1`,
  kind: "Organization",
  metadata: { name },
  spec: { displayName: name, owner: "owner", sovereign: "omantel" },
});

describe("a review in a namespace with an account that acts for others", () => {
  const RBAC = "rbac.authorization.k8s.io";
  const seller = { kind: "ServiceAccount", name: "seller", namespace: "shop" } as const;
  const withSubjects = (...subjects: Franchise["spec"]["subjects"]): Franchise => {
    const { spec, ...rest } = franchise("omantel");
    return { ...rest, spec: { ...spec, subjects } };
  };
  const withMembers = (name: string, ...members: Organization["spec"]["members"] & object): Organization => ({
    ...organization(name),
    spec: { ...organization(name).spec, members },
  });
  const token = (name: string, change: Partial<AdmissionInput> = {}) =>
    creation({ resource: "serviceaccounts", subresource: "token", name, object: {}, ...change });
  const binding = (kind: string, name: string, change: Partial<AdmissionInput> = {}) =>
    creation({
      ...{ group: RBAC, resource: "rolebindings" },
      object: { roleRef: { kind, name }, subjects: [{ kind: "User", name: "mallory" }] },
      user: { username: "mallory", groups: [] },
      ...change,
    });
  const exec = creation({
    ...{ operation: "CONNECT", resource: "pods", subresource: "exec", name: "web-0", object: {} },
    user: { username: "mallory", groups: [] },
  });
  const impersonates = [{ verbs: ["impersonate"], apiGroups: [""], resources: ["serviceaccounts"] }];
  const aggregated = {
    metadata: { name: "edit" },
    rules: [],
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { "to-edit": "true" } }] },
  };
  const stranger = { username: "mallory", groups: ["system:authenticated"] };

  it.each<[string, Franchise["spec"]["subjects"][number]]>([
    ["as a ServiceAccount", seller],
    ["by its user name", { kind: "User", name: "system:serviceaccount:shop:seller" }],
    ["by the group of its namespace", { kind: "Group", name: "system:serviceaccounts:shop" }],
    ["by the group of all accounts", { kind: "Group", name: "system:serviceaccounts" }],
  ])("denies its token to others when a Franchise lists it %s", async (_, subject) => {
    const { rulesOf } = reviewer({ franchises: [withSubjects(subject)] });
    expect(await rulesOf(token("seller", { user: stranger }))).toEqual(["service-account-identity"]);
    const own = {
      username: "system:serviceaccount:shop:seller",
      groups: ["system:serviceaccounts:shop", "system:serviceaccounts"],
    };
    expect(await rulesOf(token("seller", { user: own }))).toEqual([]);
  });

  it("denies a token that is taken before the term begins, or after it ended", async () => {
    for (const term of [
      { start: "2027-01-01T00:00:00Z" },
      { start: "2020-01-01T00:00:00Z", end: "2021-01-01T00:00:00Z" },
    ]) {
      const { spec, ...rest } = franchise("omantel");
      const { rulesOf } = reviewer({
        franchises: [{ ...rest, spec: { ...spec, term, subjects: [seller] } }],
      });
      expect(await rulesOf(token("seller", { user: stranger }))).toEqual(["service-account-identity"]);
    }
  });

  it("lets an account of two parties be used only by those who belong to both", async () => {
    const { rulesOf } = reviewer({
      organizations: [
        withMembers("acme", seller, { kind: "User", name: "both" }, { kind: "User", name: "one" }),
        withMembers("globex", seller, { kind: "User", name: "both" }),
      ],
    });
    expect(await rulesOf(token("seller", { user: { username: "both", groups: [] } }))).toEqual([]);
    expect(await rulesOf(token("seller", { user: { username: "one", groups: [] } }))).toEqual([
      "service-account-identity",
    ]);
  });

  it("protects an account of another Organization in an environment too", async () => {
    const account = { kind: "ServiceAccount", name: "ci", namespace: "acme-prod" } as const;
    const { rulesOf } = reviewer({
      organizations: [withMembers("acme", { kind: "User", name: "amal" }), withMembers("globex", account)],
      namespaces: { "acme-prod": { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "prod" } },
    });
    const amal = { namespace: "acme-prod", user: { username: "amal", groups: [] } };
    expect(await rulesOf(token("ci", amal))).toEqual(["service-account-identity"]);
    expect(await rulesOf(token("robot", amal))).toEqual([]);
  });

  it.each<[string, Partial<AccountReads>, AdmissionInput, string[]]>([
    [
      "a binding of a ClusterRole by its own rules",
      { readClusterRole: async (name) => ({ metadata: { name }, rules: impersonates }) },
      binding("ClusterRole", "tools"),
      ["rbac-escalation"],
    ],
    [
      "a binding of an aggregated ClusterRole by the rules of its parts",
      {
        readClusterRole: async () => aggregated,
        readClusterRoles: async () => [
          aggregated,
          { metadata: { name: "part", labels: { "to-edit": "true" } }, rules: impersonates },
        ],
      },
      binding("ClusterRole", "edit"),
      ["rbac-escalation"],
    ],
    [
      "a binding of a Role of the namespace",
      {
        readRole: async (namespace, name) => ({
          metadata: { name },
          rules: namespace === "shop" ? impersonates : [],
        }),
      },
      binding("Role", "tools"),
      ["rbac-escalation"],
    ],
    [
      "a binding of a role that does not exist",
      { readRole: async () => undefined },
      binding("Role", "later"),
      ["rbac-escalation"],
    ],
    [
      "a binding of a harmless role",
      { readClusterRole: async (name) => ({ metadata: { name }, rules: [] }) },
      binding("ClusterRole", "view"),
      [],
    ],
    [
      "exec into a Pod that runs as the account",
      { readPod: async () => ({ spec: { serviceAccountName: "seller" } }) },
      exec,
      ["service-account-identity"],
    ],
    ["exec into a Pod of another account", { readPod: async () => ({ spec: {} }) }, exec, []],
    [
      "exec into a Pod that does not exist",
      { readPod: async () => undefined },
      exec,
      ["service-account-identity"],
    ],
  ])("judges %s", async (_, reads, input, expected) => {
    const { rulesOf } = reviewer({ franchises: [withSubjects(seller)], reads: { ...NO_READS, ...reads } });
    expect(await rulesOf(input)).toEqual(expected);
  });

  it("reads nothing where no account acts for others, nor for those who are the account", async () => {
    const elsewhere = reviewer({ franchises: [withSubjects({ ...seller, namespace: "bazaar" })] });
    expect(await elsewhere.rulesOf(exec)).toEqual([]);
    const user = { username: "system:serviceaccount:shop:seller", groups: [] };
    const own = reviewer({ franchises: [withSubjects(seller)] });
    expect(await own.rulesOf({ ...exec, user })).toEqual([]);
    expect(await own.rulesOf(binding("ClusterRole", "edit", { user }))).toEqual([]);
  });

  it("reads nothing for a request that its place denies", async () => {
    const account = { ...seller, namespace: "acme-prod" };
    const { rulesOf } = reviewer({
      franchises: [withSubjects(account)],
      namespaces: { "acme-prod": { [`${GROUP}/organization`]: "acme", [`${GROUP}/environment`]: "prod" } },
    });
    expect(await rulesOf({ ...exec, namespace: "acme-prod" })).toEqual(["organization-namespace"]);
  });

  it("fails when a role cannot be read, so that the request is denied", async () => {
    const { rulesOf } = reviewer({ franchises: [withSubjects(seller)] });
    await expect(rulesOf(binding("ClusterRole", "edit"))).rejects.toThrow("nothing is read here");
  });

  it("lists the ClusterRoles once for bindings that arrive together", async () => {
    let lists = 0;
    const { rulesOf } = reviewer({
      franchises: [withSubjects(seller)],
      reads: {
        ...NO_READS,
        readClusterRole: async () => aggregated,
        readClusterRoles: async () => {
          lists += 1;
          await new Promise((resolve) => setImmediate(resolve));
          return [];
        },
      },
    });
    await Promise.all(Array.from({ length: 20 }, () => rulesOf(binding("ClusterRole", "edit"))));
    expect(lists).toBe(1);
  });
});
