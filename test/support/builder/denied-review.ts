import type { ClusterFacts } from "../../../src/admission/rules/fact.ts";
import type { AdmissionInput } from "../../../src/admission/rules/request.ts";
import { LABEL } from "../../../src/api/label.ts";
import { facts, GROUP, placed, TENANT } from "./admission-request.ts";

const HOST = "zero.catalyst.example";
const DIGEST = `sha256:${"0a".repeat(32)}`;

/** The path and the content of a request. */
export interface Subject {
  group?: string;
  resource: string;
  subResource?: string;
  operation?: AdmissionInput["operation"];
  object?: object;
  oldObject?: object;
}

const known = facts({
  identity: TENANT,
  foreignAccounts: new Set(["seller"]),
  sovereignHosts: new Map([[HOST, "zero"]]),
  isForeignNamespace: (name) => name === "globex",
});
const inPlace = (name: string, labels: Record<string, string>) =>
  facts({ identity: TENANT, place: placed(name, labels) });
export const container = { name: "app", image: `registry.test/app@${DIGEST}` };
export const workload = (spec: object) => ({
  spec: { template: { spec: { containers: [container], ...spec } } },
});
export const DEPLOYMENT = { group: "apps", resource: "deployments" };
export const old = (members: object = {}) => ({ operation: "UPDATE" as const, oldObject: members });

/** Requests that the rules deny, one for each rule. */
export const DENIED: [title: string, subject: Subject, facts: ClusterFacts][] = [
  ["a privileged Pod", { ...DEPLOYMENT, object: workload({ hostPID: true }) }, known],
  ["an image by tag", { ...DEPLOYMENT, object: workload({ containers: [{ image: "a:b" }] }) }, known],
  ["an account of another", { ...DEPLOYMENT, object: workload({ serviceAccountName: "seller" }) }, known],
  [
    "a token",
    { resource: "serviceaccounts", subResource: "token", object: {} },
    facts({ foreignAccounts: new Set(["x"]) }),
  ],
  ["a release of Helm", { resource: "secrets", object: { type: "helm.sh/release.v1" } }, known],
  [
    "an external address",
    { resource: "services", object: { spec: { externalIPs: ["203.0.113.7"] } } },
    known,
  ],
  [
    "a Service elsewhere",
    { resource: "services", object: { spec: { type: "ExternalName", externalName: "a.globex.svc" } } },
    known,
  ],
  [
    "a Sovereign's host",
    { group: "networking.k8s.io", resource: "ingresses", object: { spec: { rules: [{ host: HOST }] } } },
    known,
  ],
  [
    "a router for any host",
    {
      group: "traefik.io",
      resource: "ingressroutes",
      object: { spec: { routes: [{ match: "Path(`/`)" }] } },
    },
    known,
  ],
  [
    "a snippet",
    {
      ...{ group: "networking.k8s.io", resource: "ingresses" },
      object: { metadata: { annotations: { "nginx.ingress.kubernetes.io/server-snippet": "x" } } },
    },
    known,
  ],
  ["an installer's kind", { group: "argoproj.io", resource: "applications", object: {} }, known],
  [
    "an OCIRepository by tag",
    {
      group: "source.toolkit.fluxcd.io",
      resource: "ocirepositories",
      object: { spec: { url: "oci://a/b" } },
    },
    known,
  ],
  [
    "a HelmRelease elsewhere",
    {
      ...{ group: "helm.toolkit.fluxcd.io", resource: "helmreleases" },
      object: { spec: { chartRef: { kind: "OCIRepository" }, targetNamespace: "kube-system" } },
    },
    known,
  ],
  [
    "a role that impersonates",
    {
      ...{ group: "rbac.authorization.k8s.io", resource: "roles" },
      object: { rules: [{ verbs: ["impersonate"], apiGroups: [""], resources: ["users"] }] },
    },
    known,
  ],
  ["a revision", { group: "apps", resource: "controllerrevisions", object: {} }, known],
  [
    "a platform's label",
    { resource: "configmaps", object: { metadata: { labels: { [LABEL.organization]: "a" } } } },
    known,
  ],
  [
    "evidence",
    { resource: "configmaps", object: { metadata: { annotations: { [`${GROUP}/score`]: "99" } } } },
    known,
  ],
  [
    "a managed object",
    {
      resource: "configmaps",
      object: {},
      ...old({ metadata: { labels: { [LABEL.managedBy]: "operator" } } }),
    },
    known,
  ],
  ["a Franchise", { group: GROUP, resource: "franchises", object: {} }, known],
  ["a Blueprint", { group: GROUP, resource: "blueprints", object: {} }, known],
  [
    "a Sovereign",
    { group: GROUP, resource: "sovereigns", object: { spec: { suspend: true } }, ...old({ spec: {} }) },
    known,
  ],
  [
    "the platform's namespace",
    { resource: "configmaps", object: { data: {} }, ...old({}) },
    inPlace("kube-system", {}),
  ],
  [
    "an Organization's namespace",
    { resource: "configmaps", object: { data: {} }, ...old({}) },
    inPlace("org-globex", { [LABEL.organization]: "globex" }),
  ],
  [
    "a reserved name",
    { resource: "namespaces", object: { metadata: { name: "org-x" } } },
    facts({ place: { kind: "cluster" } }),
  ],
  ["cluster scope", { resource: "nodes", object: {} }, facts({ place: { kind: "cluster" } })],
];
