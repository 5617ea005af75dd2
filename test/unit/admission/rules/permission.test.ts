import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Identity, identityLists } from "../../../../src/admission/rules/identity.ts";
import { isPermitted, PERMISSIONS } from "../../../../src/admission/rules/permission.ts";
import { type Place, placeOfNamespace } from "../../../../src/admission/rules/place.ts";
import type { AdmissionInput } from "../../../../src/admission/rules/request.ts";
import { LABEL } from "../../../../src/api/label.ts";

const read = (file: string) => readFileSync(join(import.meta.dirname, file), "utf8");
const OPERATION: Record<string, AdmissionInput["operation"]> = {
  create: "CREATE",
  update: "UPDATE",
  patch: "UPDATE",
  delete: "DELETE",
  deletecollection: "DELETE",
};
/** Subresources for which the API server sends CONNECT. Their verbs in discovery are those of HTTP. */
const CONNECTED = /\/(attach|exec|portforward|proxy)$/;

interface Row {
  group: string;
  resource: string;
  subresource: string;
  cluster: boolean;
  operations: AdmissionInput["operation"][];
}

/** Everything that a kube-apiserver 1.36 serves and that changes or connects to something; reviews never reach admission. */
const rows: Row[] = read("discovery.txt")
  .trim()
  .split("\n")
  .map((line) => {
    const [, path = "", group = "", cluster, verbs = ""] =
      /^([^.]+)\.(\S*)( cluster)? (\S+)$/.exec(line) ?? [];
    const [resource = "", subresource = ""] = path.split("/");
    const operations = CONNECTED.test(path)
      ? (["CONNECT"] as const)
      : verbs.split(",").flatMap((verb) => OPERATION[verb] ?? []);
    return {
      group,
      resource,
      subresource,
      cluster: cluster !== undefined,
      operations: [...new Set(operations)],
    };
  })
  .filter(({ group, operations }) => operations.length > 0 && !/^auth(entication|orization)\./.test(group))
  .concat(
    ["sovereigns", "billingreleases", "franchises", "organizations"].map((resource) => ({
      group: "catalyst.openova.io",
      resource,
      subresource: "",
      cluster: true,
      operations: ["CREATE", "UPDATE", "DELETE"],
    })),
    ["blueprints", "environmentpolicies"].map((resource) => ({
      group: "catalyst.openova.io",
      resource,
      subresource: "",
      cluster: false,
      operations: ["CREATE", "UPDATE", "DELETE"],
    })),
    [
      {
        group: "catalyst.openova.io",
        resource: "blueprints",
        subresource: "status",
        cluster: false,
        operations: ["UPDATE"],
      },
      {
        group: "catalyst.openova.io",
        resource: "sovereigns",
        subresource: "status",
        cluster: true,
        operations: ["UPDATE"],
      },
      {
        group: "cert-manager.io",
        resource: "clusterissuers",
        subresource: "status",
        cluster: true,
        operations: ["UPDATE"],
      },
      {
        group: "cert-manager.io",
        resource: "certificates",
        subresource: "status",
        cluster: false,
        operations: ["UPDATE"],
      },
      ...[
        { group: "cert-manager.io", resource: "certificaterequests", cluster: false },
        { group: "cert-manager.io", resource: "clusterissuers", cluster: true },
        { group: "wgpolicyk8s.io", resource: "policyreports", cluster: false },
        { group: "wgpolicyk8s.io", resource: "clusterpolicyreports", cluster: true },
        { group: "kustomize.toolkit.fluxcd.io", resource: "kustomizations", cluster: false },
      ].map((kind) => ({
        ...{ ...kind, subresource: "" },
        operations: ["CREATE", "UPDATE", "DELETE"] satisfies AdmissionInput["operation"][],
      })),
    ],
  );

const lists = identityLists();
const labelled = (labels: Record<string, string>) => labels;
const PLACES: [name: string, place: Place][] = [
  ["catalyst-system", placeOfNamespace("catalyst-system", {}, lists)],
  ["kube-system", placeOfNamespace("kube-system", {}, lists)],
  ["the controller's own namespace", placeOfNamespace("cert-manager", {}, lists)],
  ["another controller's namespace", placeOfNamespace("cnpg-system", {}, lists)],
  ["a Sovereign's namespace", placeOfNamespace("s", labelled({ [LABEL.sovereign]: "s" }), lists)],
  [
    "an Organization's home",
    placeOfNamespace("org-a", labelled({ [LABEL.organization]: "a", [LABEL.sovereign]: "s" }), lists),
  ],
  [
    "an environment",
    placeOfNamespace("a-dev", labelled({ [LABEL.organization]: "a", [LABEL.environment]: "dev" }), lists),
  ],
  ["catalog", placeOfNamespace("catalog", {}, lists)],
  ["catalog-sovereign", placeOfNamespace("catalog-sovereign", {}, lists)],
  ["an unknown namespace", placeOfNamespace("new", undefined, lists)],
  ["cluster scope", { kind: "cluster" }],
];
const WHO: [name: string, identity: Identity, memberOf: string[], groups: string[]][] = [
  ["controller", { kind: "controller", namespace: "cert-manager" }, [], []],
  ["Franchisee", { kind: "franchisee", franchises: [] }, [], []],
  ["member", { kind: "tenant" }, ["a"], []],
  ["tenant", { kind: "tenant" }, ["other"], []],
  ["joining node", { kind: "tenant" }, [], ["system:bootstrappers"]],
];

const KUBELET_SIGNER = "kubernetes.io/kube-apiserver-client-kubelet";

/** One line for each place and identity: the resources that it may write, with the operations. */
function table(): string {
  return PLACES.flatMap(([where, place]) =>
    WHO.map(([who, identity, memberOf, groups]) => {
      const inScope = rows.filter(({ cluster }) => cluster === (place.kind === "cluster"));
      const permitted = inScope.flatMap(({ operations, group, resource, subresource }) => {
        const allowed = operations.filter((operation) => {
          const input: AdmissionInput = {
            ...{ operation, group, resource, subresource, name: "x" },
            namespace: "namespace" in place ? place.namespace : "",
            user: { username: "x", groups },
            object: { spec: { changed: operation, signerName: KUBELET_SIGNER } },
            oldObject: { spec: {} },
          };
          return isPermitted(input, { identity, place, memberOf: new Set(memberOf) });
        });
        const path = `${resource}${subresource === "" ? "" : `/${subresource}`}${group === "" ? "" : `.${group}`}`;
        return allowed.length === 0 ? [] : [`${path} ${allowed.join(",")}`];
      });
      const total = inScope.length;
      const all = permitted.length === total;
      return `${where} | ${who} | ${all ? "everything" : permitted.length === 0 ? "nothing" : `\n  ${permitted.join("\n  ")}`}`;
    }),
  ).join("\n");
}

describe("the table of permissions", () => {
  it("covers all that the API server serves", () => {
    expect(rows.length).toBeGreaterThan(100);
  });

  it("permits what is checked in, and nothing else", async () => {
    await expect(`${table()}\n`).toMatchFileSnapshot("permission-table.txt");
  });

  it("permits nothing in a place that has no entry", () => {
    expect(PERMISSIONS.catalog).toEqual([]);
    expect(PERMISSIONS.unknown).toEqual([]);
  });
});

describe("the permission for an owner", () => {
  const CHALLENGE = { apiVersion: "acme.cert-manager.io/v1", kind: "Challenge", name: "x", uid: "1" };
  const OWNER = { ...CHALLENGE, controller: true };
  const owned = (members: object, ...ownerReferences: object[]): AdmissionInput => ({
    ...{ operation: "CREATE", group: "apps", resource: "deployments", subresource: "" },
    ...{ name: "x", namespace: "org-acme", user: { username: "", groups: [] }, oldObject: undefined },
    object: { metadata: { ownerReferences } },
    ...members,
  });
  const SERVICES = { group: "", resource: "services" };
  const BINDINGS = { group: "rbac.authorization.k8s.io", resource: "rolebindings" };
  const of = (...ownerReferences: object[]) => ({ metadata: { ownerReferences } });
  const bound = (...subjects: object[]) => owned({ ...BINDINGS, object: { ...of(OWNER), subjects } });
  const OWN_ACCOUNT = { kind: "ServiceAccount", name: "a", namespace: "org-acme" };
  const isAllowed = (input: AdmissionInput, namespace = "cert-manager") =>
    isPermitted(input, {
      identity: { kind: "controller", namespace },
      place: { kind: "organization", namespace: "org-acme", organization: "acme" },
      memberOf: new Set(),
    });

  it.each<[string, AdmissionInput, boolean]>([
    ["that controls it", owned({}, OWNER), true],
    [
      "that controls it, beside another",
      owned({}, { ...OWNER, kind: "Order", controller: false }, OWNER),
      true,
    ],
    ["that does not control it", owned({}, CHALLENGE), false],
    ["whose controller member is a text", owned({}, { ...CHALLENGE, controller: "true" }), false],
    ["that has no uid", owned({}, { ...OWNER, uid: "" }), false],
    ["of Kubernetes", owned({}, { ...OWNER, apiVersion: "apps/v1" }), false],
    ["of an installer", owned({}, { ...OWNER, apiVersion: "argoproj.io/v1alpha1" }), false],
    ["of the product", owned({}, { ...OWNER, apiVersion: "catalyst.openova.io/v1alpha1" }), false],
    ["that owns a Service with others", owned(SERVICES, CHALLENGE), true],
    ["in an update that leaves it", owned({ operation: "UPDATE", oldObject: of(OWNER) }, OWNER), true],
    ["in an update that brings it", owned({ operation: "UPDATE", oldObject: of() }, OWNER), false],
    ["in an update that removes it", owned({ operation: "UPDATE", oldObject: of(OWNER) }), false],
    [
      "in an update to another",
      owned({ operation: "UPDATE", oldObject: of({ ...OWNER, uid: "2" }) }, OWNER),
      false,
    ],
    ["in a deletion", owned({ operation: "DELETE", object: undefined, oldObject: of(OWNER) }), true],
    ["in a deletion of another's", owned({ operation: "DELETE", object: undefined, oldObject: of() }), false],
    ["of a subresource", owned({ subresource: "scale" }, OWNER), false],
    ["of a RoleBinding for an account of the namespace", bound(OWN_ACCOUNT), true],
    [
      "of a RoleBinding for an account elsewhere",
      bound(OWN_ACCOUNT, { ...OWN_ACCOUNT, namespace: "shop" }),
      false,
    ],
    ["of a RoleBinding for a person", bound({ kind: "User", name: "mallory" }), false],
  ])("%s: %s", (_, input, expected) => {
    expect(isAllowed(input)).toBe(expected);
  });

  it.each(["kyverno", "gatekeeper-system", "external-secrets", "velero"])(
    "does not count from %s, which writes any owner",
    (namespace) => expect(isAllowed(owned({}, OWNER), namespace)).toBe(false),
  );
});

describe("a joining node", () => {
  const requestOf = (spec: object): AdmissionInput => ({
    ...{ operation: "CREATE", group: "certificates.k8s.io", resource: "certificatesigningrequests" },
    ...{ subresource: "", name: "node-9", namespace: "", oldObject: undefined },
    user: { username: "system:bootstrap:abcdef", groups: ["system:bootstrappers"] },
    object: { spec },
  });
  const situation = {
    identity: { kind: "tenant" },
    place: { kind: "cluster" },
    memberOf: new Set<string>(),
  } as const;

  it.each([
    [KUBELET_SIGNER, true],
    ["kubernetes.io/kube-apiserver-client", false],
    [undefined, false],
  ])("may request a certificate of signer %s: %s", (signerName, isAllowed) => {
    expect(isPermitted(requestOf({ signerName }), situation)).toBe(isAllowed);
  });
});
