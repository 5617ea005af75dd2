import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Organization } from "../../../../src/api/organization.ts";
import { desiredAccess } from "../../../../src/controllers/franchise/desired-access.ts";
import { desiredHome } from "../../../../src/controllers/organization/desired-home.ts";
import { franchise } from "../../builder/catalyst-object.ts";

const CHART = join(import.meta.dirname, "../../../../charts/catalyst-operator");
const RBAC = "rbac.authorization.k8s.io";

const serviceAccount = { kind: "ServiceAccount", name: "catalyst-operator", namespace: "catalyst-system" };

function binding(
  kind: "RoleBinding" | "ClusterRoleBinding",
  [name, namespace]: [name: string, namespace?: string],
  role: { kind: "Role" | "ClusterRole"; name: string },
  subject: object,
): KubernetesObject {
  return {
    ...{ apiVersion: `${RBAC}/v1`, kind },
    metadata: { name, ...(namespace === undefined ? {} : { namespace }) },
    roleRef: { apiGroup: RBAC, ...role },
    subjects: [subject],
  } as KubernetesObject;
}

/** Franchise omantel of omantel-admin, which grants private Blueprints, with its one Sovereign. */
const OMANTEL = {
  ...franchise("omantel"),
  spec: { ...franchise("omantel").spec, grants: { branding: true, privateBlueprints: { max: 5 } } },
};
const FRANCHISEE_OBJECTS = desiredAccess(OMANTEL, {
  sovereigns: ["omantel"],
  namespaces: ["catalog", "catalog-sovereign", "sovereign-omantel"],
});

const ACME = {
  metadata: { name: "acme" },
  spec: { displayName: "Acme", owner: "amal", sovereign: "omantel" },
} as Organization;

/** The roles and bindings of a cluster with a hub, with Franchise omantel, and with Organization acme of amal. */
export function accessObjects(): KubernetesObject[] {
  const shipped = ["files", "hub"]
    .flatMap((folder) => readdirSync(join(CHART, folder)).map((file) => join(CHART, folder, file)))
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(file, "utf8")))
    .map((document) => document.toJS() as KubernetesObject)
    .filter(({ apiVersion }) => apiVersion.startsWith(RBAC));
  return [
    ...shipped,
    binding(
      "ClusterRoleBinding",
      ["catalyst-operator"],
      { kind: "ClusterRole", name: "catalyst-operator" },
      serviceAccount,
    ),
    binding(
      "RoleBinding",
      ["catalyst-operator", "catalyst-system"],
      { kind: "Role", name: "catalyst-operator" },
      serviceAccount,
    ),
    ...FRANCHISEE_OBJECTS,
    ...desiredHome(ACME, []).filter(({ kind }) => kind === "RoleBinding"),
  ];
}
