import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../../../src/api/object.ts";
import type { Organization } from "../../../../src/api/organization.ts";
import { desiredHome } from "../../../../src/controllers/organization/desired-home.ts";

const FILES = join(import.meta.dirname, "../../../../charts/catalyst-operator/files");
const RBAC = "rbac.authorization.k8s.io";

const user = (name: string) => ({ kind: "User", name, apiGroup: RBAC });
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

/** The values of the chart that give Franchise omantel its rights, and the objects that the chart renders from them. */
export const FRANCHISEE_VALUES = {
  franchisees: [{ name: "omantel", sovereigns: ["omantel"], subjects: [user("omantel-admin")] }],
};
export const FRANCHISEE_OBJECTS: readonly KubernetesObject[] = [
  {
    apiVersion: `${RBAC}/v1`,
    kind: "ClusterRole",
    metadata: { name: "catalyst-franchisee-omantel" },
    rules: [
      {
        apiGroups: ["catalyst.openova.io"],
        resources: ["franchises"],
        resourceNames: ["omantel"],
        verbs: ["get"],
      },
      {
        apiGroups: ["catalyst.openova.io"],
        resources: ["sovereigns"],
        resourceNames: ["omantel"],
        verbs: ["get", "update", "patch"],
      },
    ],
  } as KubernetesObject,
  binding(
    "ClusterRoleBinding",
    ["catalyst-franchisee-omantel"],
    { kind: "ClusterRole", name: "catalyst-franchisee-omantel" },
    user("omantel-admin"),
  ),
  binding(
    "RoleBinding",
    ["catalyst-franchisee-omantel", "catalog"],
    { kind: "ClusterRole", name: "catalyst-catalog-reader" },
    user("omantel-admin"),
  ),
  binding(
    "RoleBinding",
    ["catalyst-franchisee-omantel", "catalog-sovereign"],
    { kind: "ClusterRole", name: "catalyst-franchisee" },
    user("omantel-admin"),
  ),
];

const ACME = {
  metadata: { name: "acme" },
  spec: { displayName: "Acme", owner: "amal", sovereign: "omantel" },
} as Organization;

/** The roles and bindings of a cluster with Franchise omantel, and with Organization acme of amal. */
export function accessObjects(): KubernetesObject[] {
  const shipped = readdirSync(FILES)
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(join(FILES, file), "utf8")))
    .map((document) => document.toJS() as KubernetesObject);
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
    ...desiredHome(ACME).filter(({ kind }) => kind === "RoleBinding"),
  ];
}
