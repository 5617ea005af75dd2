import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A question of a SubjectAccessReview. */
export interface Question {
  verb: string;
  group: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
}
export interface Subject {
  user: string;
  groups: readonly string[];
}
type Ask = (subject: Subject, question: Question) => boolean | Promise<boolean>;

interface Served {
  group: string;
  resource: string;
  subresource: string;
  isClusterScoped: boolean;
  verbs: readonly string[];
}

/** What a kube-apiserver 1.36 serves, one line for each resource. */
export const DISCOVERY = join(import.meta.dirname, "../../../unit/admission/rules/discovery.txt");

export const ACCESS_TABLE = join(import.meta.dirname, "access-table.txt");

const OBJECT_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const served = (
  group: string,
  resource: string,
  isClusterScoped: boolean,
  verbs = OBJECT_VERBS,
): Served[] => [
  { group, resource, subresource: "", isClusterScoped, verbs },
  { group, resource, subresource: "status", isClusterScoped, verbs: ["get", "patch", "update"] },
];

/** Verbs by which a subject acts as another, or gives out more rights than it has. They belong to no served resource. */
const IDENTITY_VERBS: readonly Served[] = [
  ["users", "", "impersonate"],
  ["groups", "", "impersonate"],
  ["serviceaccounts", "", "impersonate"],
  ["clusterroles", "rbac.authorization.k8s.io", "bind"],
  ["clusterroles", "rbac.authorization.k8s.io", "escalate"],
  ["roles", "rbac.authorization.k8s.io", "bind"],
  ["roles", "rbac.authorization.k8s.io", "escalate"],
].map(([resource = "", group = "", verb = ""]) => ({
  ...{ group, resource, subresource: "", verbs: [verb] },
  isClusterScoped: !["serviceaccounts", "roles"].includes(resource),
}));

function everything(): Served[] {
  const builtIn = readFileSync(DISCOVERY, "utf8").trim().split("\n").map(parseServed);
  const product = "catalyst.openova.io";
  return [
    ...builtIn,
    ...["sovereigns", "billingreleases", "franchises", "organizations"].flatMap((it) =>
      served(product, it, true),
    ),
    ...["blueprints", "environmentpolicies"].flatMap((it) => served(product, it, false)),
    ...["ocirepositories", "gitrepositories"].flatMap((it) => served("source.toolkit.fluxcd.io", it, false)),
    ...served("helm.toolkit.fluxcd.io", "helmreleases", false),
    ...served("kustomize.toolkit.fluxcd.io", "kustomizations", false),
    ...served("wgpolicyk8s.io", "policyreports", false),
    ...IDENTITY_VERBS,
  ];
}

function parseServed(line: string): Served {
  const [, path = "", group = "", cluster, verbs = ""] = /^([^.]+)\.(\S*)( cluster)? (\S+)$/.exec(line) ?? [];
  const [resource = "", subresource = ""] = path.split("/");
  return { group, resource, subresource, isClusterScoped: cluster !== undefined, verbs: verbs.split(",") };
}

const person = (user: string, ...groups: string[]): Subject => ({
  user,
  groups: ["system:authenticated", ...groups],
});

const SUBJECTS: Readonly<Record<string, Subject>> = {
  operator: person(
    "system:serviceaccount:catalyst-system:catalyst-operator",
    "system:serviceaccounts",
    "system:serviceaccounts:catalyst-system",
  ),
  hub: person(
    "system:serviceaccount:catalyst-system:catalyst-hub",
    "system:serviceaccounts",
    "system:serviceaccounts:catalyst-system",
  ),
  platform: person("ops", "catalyst:platform"),
  auditor: person("auditor", "catalyst:auditor"),
  Franchisee: person("omantel-admin"),
  member: person("amal"),
  "a user without a role": person("mallory"),
};

/**
 * The namespaces of the questions, besides questions for all namespaces at once. `sovereign-omantel` is the Franchisee's,
 * and `org-acme` the member's. `shop` belongs to none of the subjects.
 */
const NAMESPACES = [
  "catalyst-system",
  "catalog",
  "catalog-sovereign",
  "sovereign-omantel",
  "org-acme",
  "shop",
];

/** Objects that rules name. */
const NAMED: readonly [path: string, namespace: string, name: string][] = [
  ["namespaces.", "", "kube-system"],
  ["sovereigns.catalyst.openova.io", "", "omantel"],
  ["sovereigns.catalyst.openova.io", "", "ooredoo"],
  ["franchises.catalyst.openova.io", "", "omantel"],
  ["franchises.catalyst.openova.io", "", "ooredoo"],
  ["clusterroles.rbac.authorization.k8s.io", "", "edit"],
  ["clusterroles.rbac.authorization.k8s.io", "", "view"],
  ["clusterroles.rbac.authorization.k8s.io", "", "cluster-admin"],
  ["clusterroles.rbac.authorization.k8s.io", "", "catalyst-platform"],
  ["clusterroles.rbac.authorization.k8s.io", "", "catalyst-franchisee"],
  ["clusterroles.rbac.authorization.k8s.io", "", "catalyst-catalog-reader"],
  ["validatingwebhookconfigurations.admissionregistration.k8s.io", "", "catalyst-operator"],
  ["policyreports.wgpolicyk8s.io", "shop", "catalyst-admission"],
  ["configmaps.", "catalyst-system", "catalyst-trust"],
  ["secrets.", "catalyst-system", "catalyst-operator-key"],
  ["secrets.", "catalyst-system", "catalyst-operator-webhook-tls"],
  ["deployments.apps", "catalyst-system", "catalyst-operator"],
];

const EVERYWHERE = "everywhere";

const pathOf = ({ group, resource, subresource }: Served) =>
  `${resource}${subresource === "" ? "" : `/${subresource}`}.${group}`;

/** Everything that one subject may do, cluster-wide first, then what each place and each name adds. */
async function linesOf(subject: Subject, ask: Ask): Promise<string[]> {
  const everywhere = new Map<Served, readonly string[]>();
  /** A cluster-wide right applies in each namespace, so it is checked once. */
  async function rightsOf(where: string, it: Served, namespace: string, name: string): Promise<string[]> {
    const { group, resource, subresource } = it;
    const asked = it.verbs.filter((verb) => !everywhere.get(it)?.includes(verb));
    const answers = await Promise.all(
      asked.map((verb) => ask(subject, { verb, group, resource, subresource, namespace, name })),
    );
    const verbs = asked.filter((_, index) => answers[index]);
    if (where === EVERYWHERE) everywhere.set(it, verbs);
    return verbs.length === 0
      ? []
      : [`  ${where}: ${pathOf(it)} ${[name, verbs.join(",")].join(" ").trim()}`];
  }
  const all = everything();
  // Asks about one resource after another, because each concurrent question opens a connection.
  const lines: string[] = [];
  for (const it of all) lines.push(...(await rightsOf(EVERYWHERE, it, "", "")));
  for (const namespace of NAMESPACES)
    for (const it of all.filter(({ isClusterScoped }) => !isClusterScoped))
      lines.push(...(await rightsOf(namespace, it, namespace, "")));
  for (const [path, namespace, name] of NAMED)
    for (const it of all.filter((each) => pathOf(each) === path))
      lines.push(...(await rightsOf("by name", it, namespace, name)));
  return lines;
}

/** The rights of each subject: an API server's answers for every resource, verb and place. */
export async function accessTable(ask: Ask): Promise<string> {
  const sections: string[] = [];
  for (const [name, subject] of Object.entries(SUBJECTS))
    sections.push([name, ...(await linesOf(subject, ask))].join("\n"));
  return `${sections.join("\n\n")}\n`;
}
