import {
  type Attempt,
  apply,
  core,
  group,
  mergePatch,
  on,
  onReal,
  post,
  type Request,
  remove,
  strategicPatch,
} from "./attempt.ts";
import {
  accountToken,
  clusterRole,
  cronJob,
  deployment,
  job,
  localRoleBinding,
  ociRepository,
  pod,
  restrictedContainer,
  roleBinding,
  SIGNED,
  secret,
  statefulSet,
  tokenRequest,
} from "./object.ts";
import type { Person } from "./person.ts";

const RBAC = "rbac.authorization.k8s.io/v1";
const IDENTITY = "service-account-identity";

/** In namespace `bazaar`, the accounts `franchisee` and `clerk` act for Franchise omantel. */
const bindings = (at: string) => group(RBAC, at, "rolebindings");

const GRANTS: readonly Attempt[] = [
  ...["edit", "admin", "cluster-admin", "system:aggregate-to-edit"].map((name) =>
    on(
      `binds ${name}, which lets its holder act as a Franchisee's account`,
      "stranger",
      post(bindings("bazaar"), roleBinding("mine", name, "mallory")),
      "rbac-escalation",
    ),
  ),
  on(
    "binds edit by server-side apply beside another Franchisee's account",
    "ooredoo",
    apply(`${bindings("bazaar")}/mine`, roleBinding("mine", "edit", "ooredoo-admin")),
    "rbac-escalation",
  ),
  on(
    "binds edit under a generated name",
    "stranger",
    post(bindings("bazaar"), {
      ...roleBinding("", "edit", "mallory"),
      metadata: { generateName: "mine-" },
    }),
    "rbac-escalation",
  ),
  on(
    "binds a Role that an administrator made for impersonation",
    "stranger",
    post(bindings("bazaar"), localRoleBinding("mine", "actor", "mallory")),
    "rbac-escalation",
  ),
  on(
    "binds a Role that does not exist yet",
    "stranger",
    post(bindings("bazaar"), localRoleBinding("mine", "later", "mallory")),
    "rbac-escalation",
  ),
  on(
    "adds itself to those who hold edit",
    "stranger",
    mergePatch(`${bindings("bazaar")}/editors`, roleBinding("editors", "edit", "mallory")),
    "rbac-escalation",
  ),
  on(
    "adds impersonation to a Role that is bound already",
    "stranger",
    mergePatch(group(RBAC, "bazaar", "roles/reader"), {
      rules: [{ apiGroups: [""], resources: ["serviceaccounts"], verbs: ["impersonate"] }],
    }),
    "rbac-escalation",
  ),
  on(
    "adds every verb of constrained impersonation to a Role that is bound already",
    "stranger",
    mergePatch(group(RBAC, "bazaar", "roles/reader"), {
      rules: [{ apiGroups: ["authentication.k8s.io"], resources: ["serviceaccounts"], verbs: ["*"] }],
    }),
    "rbac-escalation",
  ),
  on(
    "adds a part to the ClusterRole edit",
    "stranger",
    post(`/apis/${RBAC}/clusterroles`, {
      ...clusterRole("more", {
        metadata: { labels: { "rbac.authorization.k8s.io/aggregate-to-edit": "true" } },
      }),
      rules: [{ apiGroups: [""], resources: ["users"], verbs: ["get"] }],
    }),
    "cluster-scope",
  ),
  on(
    "binds edit where all accounts act for an Organization",
    "stranger",
    post(bindings("medina"), roleBinding("mine", "edit", "mallory")),
    "rbac-escalation",
  ),
  on(
    "binds edit in its home, which has another Organization's account",
    "amal",
    post(bindings("org-acme"), roleBinding("mine", "edit", "dana")),
    "rbac-escalation",
  ),
];

const TOKENS: readonly Attempt[] = [
  ...(
    [
      ["stranger", "bazaar", "clerk", "an account that a Franchise lists by its user name"],
      ["stranger", "souk", "default", "the default account, which acts for a Franchisee"],
      ["stranger", "medina", "robot", "an account of a group that acts for an Organization"],
      ["amal", "org-acme", "globex-ci", "another Organization's account in its home"],
      ["amal", "medina", "robot", "an account of a group that acts for another Organization"],
    ] as const
  ).flatMap(([by, at, name, title]: readonly [Person, string, string, string]) => [
    on(
      `requests a token of ${title}`,
      by,
      post(core(at, `serviceaccounts/${name}/token`), tokenRequest),
      IDENTITY,
    ),
    on(
      `writes a Secret with a token of ${title}`,
      by,
      post(core(at, "secrets"), secret("stolen", accountToken(name))),
      IDENTITY,
    ),
    on(
      `runs a Pod as ${title}`,
      by,
      post(core(at, "pods"), pod("evil", SIGNED, { serviceAccountName: name })),
      IDENTITY,
    ),
  ]),
];

/** A Pod that names no account runs as `default`, which acts for a Franchisee in `souk`. */
const DEFAULTS: readonly [string, Request][] = [
  ["a Pod", post(core("souk", "pods"), pod("evil"))],
  ["a Deployment", post(group("apps/v1", "souk", "deployments"), deployment("evil"))],
  ["a StatefulSet", post(group("apps/v1", "souk", "statefulsets"), statefulSet("evil"))],
  ["a Job", post(group("batch/v1", "souk", "jobs"), job("evil"))],
  ["a CronJob", post(group("batch/v1", "souk", "cronjobs"), cronJob("evil"))],
];

const USES: readonly Attempt[] = [
  ...DEFAULTS.map(([title, request]) =>
    on(`runs ${title} without an account as a Franchisee's default account`, "stranger", request, IDENTITY),
  ),
  on(
    "changes a Pod that runs as a Franchisee's account",
    "stranger",
    mergePatch(core("bazaar", "pods/seller-0"), { metadata: { labels: { mine: "yes" } } }),
    IDENTITY,
  ),
  on(
    "changes the image of a Deployment that runs as a Franchisee's account",
    "stranger",
    strategicPatch(group("apps/v1", "bazaar", "deployments/seller"), {
      spec: { template: { spec: { containers: [{ name: "spy", image: SIGNED }] } } },
    }),
    IDENTITY,
  ),
  on(
    "pulls with the credentials of a Franchisee's account",
    "stranger",
    post(
      group("source.toolkit.fluxcd.io/v1", "bazaar", "ocirepositories"),
      ociRepository("evil", { serviceAccountName: "franchisee" }),
    ),
    IDENTITY,
  ),
  onReal(
    "adds an ephemeral container to a Pod that runs as a Franchisee's account",
    "stranger",
    strategicPatch(core("bazaar", "pods/seller-0/ephemeralcontainers"), {
      spec: { ephemeralContainers: [restrictedContainer("spy", SIGNED)] },
    }),
    IDENTITY,
  ),
  ...["exec?command=sh&stdout=true", "attach?stdout=true", "portforward", "proxy/debug"].map((subresource) =>
    onReal(
      `connects to a Pod that runs as a Franchisee's account by ${subresource.split(/[?/]/)[0]}`,
      "stranger",
      post(core("bazaar", `pods/seller-0/${subresource}`)),
      IDENTITY,
    ),
  ),
  onReal(
    "executes in a Pod that does not exist yet",
    "stranger",
    post(core("bazaar", "pods/seller-1/exec?command=sh&stdout=true")),
    IDENTITY,
  ),
];

export const ACCOUNT_ATTEMPTS: readonly Attempt[] = [...GRANTS, ...TOKENS, ...USES];

const can = (title: string, by: Person, request: Request) => on(title, by, request, "allowed");
const connects = (title: string, by: Person, path: string) => onReal(title, by, post(path), "connected");
const exec = (at: string, name: string) => core(at, `pods/${name}/exec?command=sh&stdout=true`);

/** Requests that stay allowed in namespaces with accounts that act for others. */
export const ALLOWED_ACCOUNT: readonly Attempt[] = [
  can(
    "binds view beside a Franchisee's account",
    "stranger",
    post(bindings("bazaar"), roleBinding("viewers", "view", "mallory")),
  ),
  can(
    "binds a Role that only reads beside a Franchisee's account",
    "stranger",
    post(bindings("bazaar"), localRoleBinding("more-readers", "reader", "mallory")),
  ),
  can(
    "takes edit from those who hold it",
    "stranger",
    mergePatch(`${bindings("bazaar")}/editors`, { subjects: [] }),
  ),
  can("deletes a binding of edit", "stranger", remove(`${bindings("bazaar")}/editors`)),
  can(
    "binds edit where no account acts for others",
    "stranger",
    post(bindings("shop"), roleBinding("editors", "edit", "somebody")),
  ),
  can(
    "binds edit beside its own account",
    "omantel",
    post(bindings("bazaar"), roleBinding("colleagues", "edit", "omantel-helper")),
  ),
  can(
    "requests a token of itself",
    "sellerAccount",
    post(core("bazaar", "serviceaccounts/franchisee/token"), tokenRequest),
  ),
  can(
    "requests a token of an account that acts for no Franchisee and no Organization",
    "stranger",
    post(core("bazaar", "serviceaccounts/default/token"), tokenRequest),
  ),
  can("runs a Pod beside a Franchisee's account", "stranger", post(core("bazaar", "pods"), pod("beside"))),
  can(
    "runs a Pod as another account than the Franchisee's default one",
    "stranger",
    post(core("souk", "pods"), pod("other", SIGNED, { serviceAccountName: "other" })),
  ),
  can(
    "scales a Deployment that runs as a Franchisee's account",
    "stranger",
    mergePatch(group("apps/v1", "bazaar", "deployments/seller/scale"), { spec: { replicas: 0 } }),
  ),
  connects("executes in a Pod beside a Franchisee's account", "stranger", exec("bazaar", "plain-0")),
  connects("executes in its own account's Pod", "omantel", exec("bazaar", "seller-0")),
  connects("executes in a Pod beside another Organization's account", "amal", exec("org-acme", "app-0")),
];
