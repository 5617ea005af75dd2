import type { RuleId } from "../../../../src/admission/rules/rule-id.ts";
import { type Attempt, core, group, mergePatch, on, onReal, post, remove } from "./attempt.ts";
import { INTRUSIONS, REAL_INTRUSIONS } from "./intrusion.ts";
import {
  accountToken,
  configMap,
  deployment,
  LABEL_PREFIX,
  named,
  ownedService,
  pod,
  roleBinding,
  secret,
} from "./object.ts";
import type { Person } from "./person.ts";

/** Guarded namespaces, the rule that guards each, and identities that do not work there. */
const PLACES: readonly { name: string; rule: RuleId; intruders: readonly Person[] }[] = [
  { name: "kube-system", rule: "platform-namespace", intruders: ["omantel", "lookalikeAccount"] },
  { name: "kube-public", rule: "platform-namespace", intruders: ["stranger"] },
  { name: "flux-system", rule: "platform-namespace", intruders: ["omantel", "lookalike"] },
  { name: "catalyst-system", rule: "platform-namespace", intruders: ["omantel", "certManager"] },
  { name: "cert-manager", rule: "controller-namespace", intruders: ["omantel"] },
  { name: "sovereign-omantel", rule: "sovereign-namespace", intruders: ["omantel", "amal"] },
  { name: "org-globex", rule: "organization-namespace", intruders: ["omantel", "amal"] },
  { name: "globex-prod", rule: "organization-namespace", intruders: ["omantel", "acmeAccount"] },
  { name: "catalog", rule: "catalog-namespace", intruders: ["omantel"] },
];

const RBAC = "rbac.authorization.k8s.io/v1";
const relabel = { metadata: { labels: { mine: "yes" } } };

/** Namespaces where the webhook judges an intruder by a more precise rule than that of the place. */
const OTHER_PLACES: readonly Attempt[] = [
  on(
    "writes a ConfigMap in catalog-sovereign",
    "omantel",
    post(core("catalog-sovereign", "configmaps"), configMap("new")),
    "catalog-namespace",
  ),
  on(
    "runs a Pod in catalog-sovereign",
    "stranger",
    post(core("catalog-sovereign", "pods"), pod("intruder")),
    "catalog-namespace",
  ),
  on(
    "creates a Lease for a node",
    "stranger",
    post(
      group("coordination.k8s.io/v1", "kube-node-lease", "leases"),
      named("coordination.k8s.io/v1", "Lease", "node-1"),
    ),
    "platform-namespace",
  ),
  on(
    "writes a ConfigMap in kube-system that does not bear its name",
    "certManager",
    post(core("kube-system", "configmaps"), configMap("extension-apiserver")),
    "platform-namespace",
  ),
  on(
    "writes a Secret with a token in kube-system",
    "certManager",
    post(core("kube-system", "secrets"), secret("cert-manager-token", accountToken("robot"))),
    "platform-namespace",
  ),
  on(
    "writes a bootstrap token",
    "certManager",
    post(core("kube-system", "secrets"), secret("cert-manager-x", { type: "bootstrap.kubernetes.io/token" })),
    "platform-namespace",
  ),
  on(
    "runs a Pod in an environment",
    "externalSecrets",
    post(core("acme-prod", "pods"), pod("intruder")),
    "organization-namespace",
  ),
  on(
    "writes a token Secret in an environment",
    "externalSecrets",
    post(core("acme-prod", "secrets"), secret("stolen", accountToken("robot"))),
    "organization-namespace",
  ),
  on(
    "changes a ConfigMap that the operator manages",
    "externalSecrets",
    mergePatch(core("acme-prod", "configmaps/managed"), relabel),
    "organization-namespace",
  ),
  on(
    "creates a Service that a Deployment owns",
    "externalSecrets",
    post(core("acme-prod", "services"), ownedService("intruder", "apps/v1", "Deployment")),
    "organization-namespace",
  ),
  on(
    "creates a Deployment with an owner that does not control it",
    "certManager",
    post(group("apps/v1", "acme-prod", "deployments"), {
      ...deployment("intruder"),
      metadata: ownedService("intruder", "acme.cert-manager.io/v1", "Challenge", { controller: false })
        .metadata,
    }),
    "organization-namespace",
  ),
  on(
    "creates a Service for a template, with a forged owner",
    "externalSecrets",
    post(core("acme-prod", "services"), ownedService("intruder", "example.org/v1", "Widget")),
    "organization-namespace",
  ),
  on(
    "changes a Service to another owner",
    "certManager",
    mergePatch(core("acme-prod", "services/owned"), {
      metadata: ownedService("owned", "acme.cert-manager.io/v1", "Challenge", { uid: "1" }).metadata,
    }),
    "organization-namespace",
  ),
  ...(["RoleBinding of a person", "RoleBinding of another namespace's account"] as const).map((title) =>
    on(
      `grants a role in a Sovereign's namespace by a ${title} that a custom kind controls`,
      "certManager",
      post(group(RBAC, "sovereign-omantel", "rolebindings"), {
        ...roleBinding("intruder", "edit", "mallory"),
        metadata: ownedService("intruder", "acme.cert-manager.io/v1", "Challenge").metadata,
        ...(title === "RoleBinding of a person"
          ? {}
          : { subjects: [{ kind: "ServiceAccount", name: "robot", namespace: "shop" }] }),
      }),
      "sovereign-namespace",
    ),
  ),
  on(
    "creates a Service in kube-system that a custom kind owns",
    "externalSecrets",
    post(core("kube-system", "services"), ownedService("intruder", "example.org/v1", "Widget")),
    "platform-namespace",
  ),
  on(
    "grants itself a role in an environment",
    "externalSecrets",
    post(group(RBAC, "acme-prod", "rolebindings"), roleBinding("mine", "edit", "mallory")),
    "organization-namespace",
  ),
  on(
    "works in an environment after its term",
    "expired",
    post(core("acme-prod", "configmaps"), configMap("late")),
    "organization-namespace",
  ),
  on(
    "works in a tenant's environment as a pipeline",
    "pipeline",
    post(core("acme-prod", "configmaps"), configMap("pipeline")),
    "organization-namespace",
  ),
  on(
    "writes an EnvironmentPolicy",
    "amal",
    post(
      group(`${LABEL_PREFIX}/v1alpha1`, "catalyst-system", "environmentpolicies"),
      named(`${LABEL_PREFIX}/v1alpha1`, "EnvironmentPolicy", "mine", {
        spec: {
          appliesTo: { environments: ["*-prod"] },
          enforcement: "Audit",
          rules: [{ "pr-required": { approvers: ["amal"] } }],
        },
      }),
    ),
    "platform-namespace",
  ),
  on(
    "deletes an EnvironmentPolicy",
    "amal",
    remove(group(`${LABEL_PREFIX}/v1alpha1`, "catalyst-system", "environmentpolicies/production")),
    "platform-namespace",
  ),
  on(
    "shadows an EnvironmentPolicy in its own environment",
    "amal",
    post(
      group(`${LABEL_PREFIX}/v1alpha1`, "acme-prod", "environmentpolicies"),
      named(`${LABEL_PREFIX}/v1alpha1`, "EnvironmentPolicy", "production", {
        spec: {
          appliesTo: { environments: ["*-prod"] },
          enforcement: "Audit",
          rules: [{ "pr-required": { approvers: ["amal"] } }],
        },
      }),
    ),
    "platform-kind",
  ),
];

export const PLACE_ATTEMPTS: readonly Attempt[] = [
  ...PLACES.flatMap(({ name, rule, intruders }) =>
    intruders.flatMap((by) => [
      ...INTRUSIONS.map(([title, request]) => on(`${title} in ${name}`, by, request(name), rule)),
      ...REAL_INTRUSIONS.map(([title, request]) => onReal(`${title} in ${name}`, by, request(name), rule)),
    ]),
  ),
  ...OTHER_PLACES,
];
