/** A rule of a Role or ClusterRole. Absent lists are empty. */
export interface PolicyRule {
  verbs: string[];
  apiGroups?: string[];
  resources?: string[];
  resourceNames?: string[];
  nonResourceURLs?: string[];
}

const ALL = "*";

/** Whether `rule` allows `verb` on a resource; `name` is empty for lists and creates. */
export function ruleAllowsResource(
  rule: PolicyRule,
  verb: string,
  group: string,
  resource: string,
  subresource: string,
  name: string,
): boolean {
  if (!hasOrAll(rule.verbs, verb) || !hasOrAll(rule.apiGroups, group)) return false;
  if (rule.resourceNames?.length && !rule.resourceNames.includes(name)) return false;
  const combined = subresource === "" ? resource : `${resource}/${subresource}`;
  if (hasOrAll(rule.resources, combined)) return true;
  return subresource !== "" && (rule.resources?.includes(`*/${subresource}`) ?? false);
}

export function ruleAllowsPath(rule: PolicyRule, verb: string, path: string): boolean {
  return hasOrAll(rule.verbs, verb) && (rule.nonResourceURLs ?? []).some((url) => urlCovers(url, path));
}

function hasOrAll(list: readonly string[] | undefined, item: string): boolean {
  return list !== undefined && (list.includes(ALL) || list.includes(item));
}

function urlCovers(owner: string, path: string): boolean {
  if (owner === ALL || owner === path) return true;
  return owner.endsWith("*") && path.startsWith(owner.replace(/\*+$/, ""));
}

/**
 * The parts of `wanted` that `held` does not cover, which a user would therefore grant without having them. Each part
 * has one verb, one group, one resource and at most one name.
 */
export function uncoveredRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  return wanted.flatMap(atomicRules).filter((atom) => !held.some((owner) => ruleCovers(owner, atom)));
}

function atomicRules(rule: PolicyRule): PolicyRule[] {
  const { apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [{}] : resourceNames.map((name) => ({ resourceNames: [name] }));
  const resourceAtoms = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      rule.verbs.flatMap((verb) =>
        names.map((named) => ({ apiGroups: [group], resources: [resource], verbs: [verb], ...named })),
      ),
    ),
  );
  const pathAtoms = nonResourceURLs.flatMap((url) =>
    rule.verbs.map((verb) => ({ nonResourceURLs: [url], verbs: [verb] })),
  );
  return [...resourceAtoms, ...pathAtoms];
}

function ruleCovers(owner: PolicyRule, atom: PolicyRule): boolean {
  const [verb] = atom.verbs;
  if (verb === undefined || !hasOrAll(owner.verbs, verb)) return false;
  const [url] = atom.nonResourceURLs ?? [];
  // The owner's "*" covers every path, because the empty text is a prefix of each.
  if (url !== undefined) return (owner.nonResourceURLs ?? []).some((held) => urlCovers(held, url));
  const [group] = atom.apiGroups ?? [];
  const [resource] = atom.resources ?? [];
  if (group === undefined || resource === undefined || !hasOrAll(owner.apiGroups, group)) return false;
  const slash = resource.indexOf("/");
  const bySubresource = slash > 0 && owner.resources?.includes(`*${resource.slice(slash)}`);
  if (!hasOrAll(owner.resources, resource) && !bySubresource) return false;
  if (!owner.resourceNames?.length) return true;
  const [name] = atom.resourceNames ?? [];
  return name !== undefined && owner.resourceNames.includes(name);
}

/** The text of a rule in an escalation refusal: `{APIGroups:[""], Resources:["pods"], Verbs:["get"]}`. */
export function describeRule(rule: PolicyRule): string {
  const parts: string[] = [];
  const add = (name: string, list: string[] | undefined) => {
    if (list?.length) parts.push(`${name}:[${list.map((item) => JSON.stringify(item)).join(" ")}]`);
  };
  add("APIGroups", rule.apiGroups);
  add("Resources", rule.resources);
  add("NonResourceURLs", rule.nonResourceURLs);
  add("ResourceNames", rule.resourceNames);
  add("Verbs", rule.verbs);
  return `{${parts.join(", ")}}`;
}

/** Merges parts that differ only in their verb, so that a refusal shows rules as people write them. */
export function compactRules(atoms: readonly PolicyRule[]): PolicyRule[] {
  const byTarget = new Map<string, PolicyRule>();
  for (const atom of atoms) {
    const key = JSON.stringify([atom.apiGroups, atom.resources, atom.resourceNames, atom.nonResourceURLs]);
    const known = byTarget.get(key);
    if (known === undefined) byTarget.set(key, { ...atom, verbs: [...atom.verbs] });
    else known.verbs.push(...atom.verbs.filter((verb) => !known.verbs.includes(verb)));
  }
  return [...byTarget.values()];
}
