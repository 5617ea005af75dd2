import type { Observation } from "./catalog.ts";
import { type Finding, quoted } from "./finding.ts";

/** Checks that the role owns the objects named in `owned`: those of earlier migrations, and the earlier service's tables. */
export function judgeOwners(
  observations: readonly Observation[],
  owned: ReadonlySet<string>,
  role: string,
): Finding[] {
  return observations.flatMap((one): Finding[] => {
    switch (one.kind) {
      case "function":
        return one.isOwned || !owned.has(one.name)
          ? []
          : [notOwner(`function public.${one.signature}`, quoted(one.owner), quoted(role))];
      case "relation":
        // An index belongs to its table. Another rule judges the other kinds of relations.
        return one.isOwned || !owned.has(one.name) || !["r", "p"].includes(one.relkind)
          ? []
          : [notOwner(`table public.${quoted(one.name)}`, quoted(one.owner), quoted(role))];
      default:
        return [];
    }
  });
}

export function notOwner(object: string, owner: string, role: string): Finding {
  return {
    rule: "not-owner",
    object,
    message: `belongs to ${owner}, and the role ${role} is not a member of that role`,
    remedy: `ALTER ${object.toUpperCase().split(" ", 1)[0]} ${object.slice(object.indexOf(" ") + 1)} OWNER TO ${role}; or migrate as its owner.`,
  };
}
