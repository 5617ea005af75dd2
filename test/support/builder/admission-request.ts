import type { AccountReads } from "../../../src/admission/account-fact.ts";
import type { AddressReads } from "../../../src/admission/address-fact.ts";
import type { ClusterFacts, Verdict, Violation } from "../../../src/admission/rules/fact.ts";
import { type Identity, identityLists } from "../../../src/admission/rules/identity.ts";
import { type Place, placeOfNamespace } from "../../../src/admission/rules/place.ts";
import { INLINE_DRIVERS } from "../../../src/admission/rules/pod-isolation.ts";
import type { AdmissionInput, ReviewedObject } from "../../../src/admission/rules/request.ts";
import type { RuleId } from "../../../src/admission/rules/rule-id.ts";
import { evaluateRules } from "../../../src/admission/rules/rule-list.ts";
import { franchise, sovereign } from "./catalyst-object.ts";

export const GROUP = "catalyst.openova.io";

/** A row of a table of denials: title, request, the known facts, and every violation as rule, path and message. */
export type Denial = [
  title: string,
  input: AdmissionInput,
  facts: ClusterFacts,
  ...violations: [rule: RuleId, path: string, message: string][],
];

const omantel = franchise("omantel");
/** Omantel's administrator. The Franchise allows branding, tier `starter` and one private Blueprint. */
export const FRANCHISEE: Identity = {
  kind: "franchisee",
  franchises: [
    {
      ...omantel,
      spec: {
        ...omantel.spec,
        grants: { branding: true, tiers: ["starter"], privateBlueprints: { max: 1 } },
      },
    },
  ],
};
export const TENANT: Identity = { kind: "tenant" };

/** The place of a namespace with these labels. */
export const placed = (namespace: string, labels: Record<string, string> = {}): Place =>
  placeOfNamespace(namespace, labels, identityLists());
export const CLUSTER: Place = { kind: "cluster" };

/** The facts about a Franchisee in the ordinary namespace `shop`. */
export const facts = (change: Partial<ClusterFacts> = {}): ClusterFacts => ({
  identity: FRANCHISEE,
  place: placed("shop"),
  memberOf: new Set(),
  organizations: new Set(),
  privateBlueprints: [],
  foreignAccounts: new Set(),
  connectedAccount: undefined,
  boundRules: undefined,
  sovereignHosts: new Map(),
  isForeignNamespace: () => false,
  takenAddresses: new Set(),
  chartSource: undefined,
  signers: [],
  lists: identityLists(),
  inlineDrivers: INLINE_DRIVERS,
  ...change,
});

const unexpected = async () => {
  throw new Error("nothing is read here");
};
/** Reads of a request that needs none: each call fails the test. */
export const NO_READS: AccountReads & AddressReads = {
  readPod: unexpected,
  readRole: unexpected,
  readClusterRole: unexpected,
  readClusterRoles: unexpected,
  readServices: unexpected,
  readPodsAt: unexpected,
  readSecondAddresses: unexpected,
};

/** An update of ConfigMap `x` in namespace `shop` that changes nothing. */
export const request = (change: Partial<AdmissionInput> = {}): AdmissionInput => ({
  operation: "UPDATE",
  group: "",
  resource: "configmaps",
  subresource: "",
  name: "x",
  namespace: "shop",
  user: { username: "omantel-admin", groups: [] },
  object: {},
  oldObject: {},
  ...change,
});

export const creation = (change: Partial<AdmissionInput> = {}): AdmissionInput =>
  request({ operation: "CREATE", oldObject: undefined, ...change });

export const deletion = (change: Partial<AdmissionInput> = {}): AdmissionInput =>
  request({ operation: "DELETE", object: undefined, ...change });

/** Sovereign `omantel` with one tier, which its Franchise no longer grants. */
const own = sovereign("omantel", {
  role: "Franchised",
  franchise: "omantel",
  tiers: [{ id: "old", name: "Old", priceBaisa: 1 }],
});

/** An update of Sovereign `omantel` that sets these members of its spec. */
export const sovereignUpdate = (spec: object, change: Partial<AdmissionInput> = {}): AdmissionInput =>
  request({
    group: GROUP,
    resource: "sovereigns",
    name: "omantel",
    namespace: "",
    oldObject: reviewed(own),
    object: reviewed({ ...own, spec: { ...own.spec, ...spec } }),
    ...change,
  });

/** Any object as the API server sends it. */
export const reviewed = (object: object): ReviewedObject => JSON.parse(JSON.stringify(object));

/** Every violation that the rules find. */
export const violationsOf = (input: AdmissionInput, known: ClusterFacts = facts()): Violation[] =>
  evaluateRules(input, known);

/** The violations of a row. */
export const expected = (violations: [RuleId, string, string][]): Violation[] =>
  violations.map(([rule, path, message]) => ({ rule, path, message }));

/** A verdict with these members, and nothing else. */
export const verdict = (change: Partial<Verdict> = {}): Verdict => ({
  violations: [],
  warnings: [],
  auditAnnotations: {},
  ...change,
});
