import type { RuleId } from "../../../src/admission/rules/rule-id.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { LABEL_PREFIX, named, pod, SIGNED } from "./red-team/object.ts";
import type { Person } from "./red-team/person.ts";

/**
 * One object that a person writes, and the rule that must deny it. The CLI judges one object without a subresource. For an
 * update, it uses the new object as the old one too.
 */
export interface KyvernoCase {
  title: string;
  by: Person;
  operation: "CREATE" | "UPDATE" | "DELETE";
  resource: KubernetesObject;
  /** Undefined: every policy lets it pass. */
  expected: RuleId | undefined;
}

const byName = (name: string, labels: Record<string, string> = {}) => ({
  "kubernetes.io/metadata.name": name,
  ...labels,
});
/** The labels of the namespaces, which the API server looks up itself. */
export const NAMESPACE_LABELS: Record<string, Record<string, string>> = {
  shop: byName("shop"),
  "kube-system": byName("kube-system"),
  "catalyst-system": byName("catalyst-system"),
  "cert-manager": byName("cert-manager"),
  catalog: byName("catalog"),
  "catalog-sovereign": byName("catalog-sovereign"),
  "sovereign-omantel": byName("sovereign-omantel", { [`${LABEL_PREFIX}/sovereign`]: "omantel" }),
};

let count = 0;
/** Names are unique, so that the results in a report can be distinguished. */
export const unique = <T extends KubernetesObject>(object: T): T => {
  count += 1;
  return { ...object, metadata: { ...object.metadata, name: `${object.metadata.name}-${count}` } };
};
export const at = (where: string, object: KubernetesObject): KubernetesObject =>
  unique({ ...object, metadata: { ...object.metadata, namespace: where } });

const on =
  (operation: KyvernoCase["operation"]) =>
  (
    expected: RuleId | undefined,
    title: string,
    resource: KubernetesObject,
    by: Person = "stranger",
  ): KyvernoCase => ({ title, by, operation, resource, expected });
export const create = on("CREATE");
export const update = on("UPDATE");
export const remove = on("DELETE");

export const lease = (name: string) =>
  named("coordination.k8s.io/v1", "Lease", name, { spec: { holderIdentity: "x" } });
export const event = named("v1", "Event", "probe", { involvedObject: {}, reason: "Test" });
export const product = (kind: string) => named(`${LABEL_PREFIX}/v1alpha1`, kind, "mine", { spec: {} });
export const container = (members: object) => ({ containers: [{ name: "app", image: SIGNED, ...members }] });
export const rule = (apiGroup: string, resource: string, verb: string) => ({
  apiGroups: [apiGroup],
  resources: [resource],
  verbs: [verb],
});

export const ownedPod = (apiVersion: string, controller = true) => {
  const { metadata, ...rest } = pod("a");
  const owner = { apiVersion, kind: "Owner", name: "o", uid: "1", controller };
  return { ...rest, metadata: { ...metadata, ownerReferences: [owner] } };
};
