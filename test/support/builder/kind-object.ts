import { BLUEPRINT } from "../../../src/api/blueprint.ts";
import { ENVIRONMENT_POLICY } from "../../../src/api/environment-policy.ts";
import { FRANCHISE } from "../../../src/api/franchise.ts";
import type { KubernetesObject } from "../../../src/api/object.ts";
import { ORGANIZATION } from "../../../src/api/organization.ts";
import { SOVEREIGN } from "../../../src/api/sovereign.ts";
import { NAMESPACES, type Resource, resourceOf } from "../../../src/kube/resource.ts";
import { franchise, sovereign } from "./catalyst-object.ts";

export const FRANCHISES = resourceOf(FRANCHISE);
export const ORGANIZATIONS = resourceOf(ORGANIZATION);
export const POLICIES = resourceOf(ENVIRONMENT_POLICY);
export const BLUEPRINTS = resourceOf(BLUEPRINT);

/** Where the objects of one name are. */
export const keysOf = (name: string) => ({
  franchise: { name },
  organization: { name },
  policy: { name, namespace: "catalyst-system" },
  blueprint: { name, namespace: "catalog-sovereign" },
});

/** A Franchise with a Sovereign, an Organization with an environment, a policy for it, and a private Blueprint. */
export function kindObjects(name: string): [Resource, KubernetesObject][] {
  const { organization, policy, blueprint } = keysOf(name);
  const namespace = (own: string, labels: Record<string, string>) =>
    ({ apiVersion: "v1", kind: "Namespace", metadata: { name: own, labels } }) as KubernetesObject;
  const catalyst = (kind: string, metadata: KubernetesObject["metadata"], spec: object) =>
    ({ apiVersion: "catalyst.openova.io/v1alpha1", kind, metadata, spec }) as unknown as KubernetesObject;
  const agreement = franchise(name);
  const grants = { ...agreement.spec.grants, privateBlueprints: { max: 1 } };
  return [
    [NAMESPACES, namespace(`sovereign-${name}`, { "catalyst.openova.io/sovereign": name })],
    [
      NAMESPACES,
      namespace(`${name}-prod`, {
        "catalyst.openova.io/organization": name,
        "catalyst.openova.io/environment": "prod",
      }),
    ],
    [FRANCHISES, catalyst("Franchise", { name }, { ...agreement.spec, grants })],
    [resourceOf(SOVEREIGN), sovereign(name, { role: "Franchised", franchise: name })],
    [
      ORGANIZATIONS,
      catalyst("Organization", organization, { displayName: name, owner: "salma", sovereign: name }),
    ],
    [
      POLICIES,
      catalyst("EnvironmentPolicy", policy, {
        appliesTo: { environments: [`${name}-prod`] },
        enforcement: "Deny",
        rules: [{ "re-score-gate": { minimum: 80 } }],
      }),
    ],
    [
      BLUEPRINTS,
      catalyst("Blueprint", blueprint, {
        version: "1.0.0",
        source: { ref: `oci://registry.example/shop@sha256:${"c".repeat(64)}` },
        visibility: "private",
        franchise: name,
        card: { title: "Shop" },
      }),
    ],
  ];
}
