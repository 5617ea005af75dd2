import { describe, expect, it } from "vitest";
import type { Franchise } from "../../../../src/api/franchise.ts";
import { desiredAccess } from "../../../../src/controllers/franchise/desired-access.ts";
import { franchise } from "../../../support/builder/catalyst-object.ts";

const RBAC = "rbac.authorization.k8s.io";
const GROUP = "catalyst.openova.io";

function omantel(spec: Partial<Franchise["spec"]> = {}): Franchise {
  const { metadata, spec: before, ...rest } = franchise("omantel");
  return { ...rest, metadata: { ...metadata, uid: "7" }, spec: { ...before, ...spec } };
}
const scope = {
  sovereigns: ["zahra", "omantel"],
  namespaces: ["sovereign-omantel", "catalog-sovereign", "catalog"],
};
interface Access {
  kind: string;
  metadata: { name: string; namespace?: string };
  rules?: unknown[];
  roleRef?: { name: string };
  subjects?: unknown[];
}
const access = (...args: Parameters<typeof desiredAccess>) => desiredAccess(...args) as unknown as Access[];
const boundRoles = (...args: Parameters<typeof desiredAccess>) =>
  access(...args).flatMap(({ kind, metadata, roleRef }) =>
    kind === "RoleBinding" ? [`${metadata.namespace} ${roleRef?.name}`] : [],
  );

describe("desiredAccess", () => {
  it("gives rights by name, and none to all Franchises or Sovereigns", () => {
    const [role, binding] = access(omantel(), scope);
    const metadata = {
      name: "catalyst-franchisee-omantel",
      labels: { [`${GROUP}/managed-by`]: "operator" },
      ownerReferences: [{ apiVersion: `${GROUP}/v1alpha1`, kind: "Franchise", name: "omantel", uid: "7" }],
    };
    expect(role).toEqual({
      ...{ apiVersion: `${RBAC}/v1`, kind: "ClusterRole", metadata },
      rules: [
        { apiGroups: [GROUP], resources: ["franchises"], resourceNames: ["omantel"], verbs: ["get"] },
        {
          ...{ apiGroups: [GROUP], resources: ["sovereigns"], resourceNames: ["omantel", "zahra"] },
          verbs: ["get", "patch", "update"],
        },
      ],
    });
    expect(binding).toEqual({
      ...{ apiVersion: `${RBAC}/v1`, kind: "ClusterRoleBinding", metadata },
      roleRef: { apiGroup: RBAC, kind: "ClusterRole", name: "catalyst-franchisee-omantel" },
      subjects: [{ kind: "User", name: "omantel-admin", apiGroup: RBAC }],
    });
    const [bare] = access(omantel(), { sovereigns: [], namespaces: [] });
    expect(bare?.rules).toHaveLength(1);
  });

  it("lets the Franchisee read in its Sovereigns' namespaces and the catalog", () => {
    expect(boundRoles(omantel(), scope)).toEqual([
      "catalog catalyst-catalog-reader",
      "sovereign-omantel view",
    ]);
  });

  it.each([
    [undefined, false],
    [{ max: 0 }, false],
    [{ max: 1 }, true],
  ])("with the grant of private Blueprints %o, writes them: %s", (privateBlueprints, writes) => {
    const grants = { branding: true, ...(privateBlueprints === undefined ? {} : { privateBlueprints }) };
    expect(boundRoles(omantel({ grants }), scope).includes("catalog-sovereign catalyst-franchisee")).toBe(
      writes,
    );
  });

  it("names all subjects in the form of RBAC, in each binding", () => {
    const subjects: Franchise["spec"]["subjects"] = [
      { kind: "Group", name: "omantel" },
      { kind: "ServiceAccount", name: "ci", namespace: "tools" },
    ];
    const bindings = access(omantel({ subjects }), scope).filter(({ kind }) => kind !== "ClusterRole");
    expect(bindings).toHaveLength(3);
    for (const binding of bindings)
      expect(binding.subjects).toEqual([
        { kind: "Group", name: "omantel", apiGroup: RBAC },
        { kind: "ServiceAccount", name: "ci", namespace: "tools" },
      ]);
  });
});
