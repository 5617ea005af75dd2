import type { Observation, Of } from "./catalog.ts";
import type { Claim, EarlierTable } from "./claim.ts";
import { type Finding, quoted, RELATION_KINDS } from "./finding.ts";

/** The names that the pending migrations need, and those that belong to the tables which they adopt. */
interface Names {
  relations: ReadonlySet<string>;
  functions: ReadonlySet<string>;
  /** `table.column` */
  columns: ReadonlySet<string>;
  earlier: ReadonlySet<string>;
  earlierKeys: ReadonlySet<string>;
  isAdoption: boolean;
}

/**
 * Finds objects that have a name which a pending migration needs. In an adoption, no function or type may have our prefix
 * either, because it would change the fingerprint. Indexes of the earlier tables are no obstacle: adoption drops them first.
 */
export function judgeNames(
  observations: readonly Observation[],
  claims: readonly Claim[],
  adopted: readonly EarlierTable[] | undefined,
): Finding[] {
  const namesOf = (isWanted: (claim: Claim) => boolean) =>
    new Set(claims.filter(isWanted).map(({ name }) => name));
  const names: Names = {
    relations: namesOf(({ kind }) => kind !== "function" && kind !== "column"),
    functions: namesOf(({ kind }) => kind === "function"),
    columns: new Set(columnNames(claims)),
    earlier: new Set(adopted?.map(({ name }) => name)),
    earlierKeys: new Set(adopted?.map(({ name }) => `${name}_pkey`)),
    isAdoption: adopted !== undefined,
  };
  return observations.flatMap((one) => judgeName(one, names));
}

/** `table.column` of each column that a migration adds. */
export function columnNames(claims: readonly Claim[]): string[] {
  return claims.filter(({ kind }) => kind === "column").map(({ table, name }) => `${table}.${name}`);
}

function judgeName(one: Observation, names: Names): Finding[] {
  switch (one.kind) {
    case "relation":
      return isRelationTaken(one, names)
        ? [taken(RELATION_KINDS[one.relkind] ?? "relation", quoted(one.name))]
        : [];
    case "type":
      return names.relations.has(one.name) || names.earlier.has(one.name)
        ? [taken("type", quoted(one.name))]
        : [];
    case "function":
      return names.functions.has(one.name) || names.isAdoption ? [taken("function", one.signature)] : [];
    case "column":
      return names.columns.has(`${one.table}.${one.name}`)
        ? [takenColumn(one.table, one.name, one.type)]
        : [];
    default:
      return [];
  }
}

function isRelationTaken(one: Of<"relation">, names: Names): boolean {
  if (names.earlierKeys.has(one.name)) return !one.isPrimary || `${one.indexOf}_pkey` !== one.name;
  if (one.indexOf !== null && names.earlier.has(one.indexOf)) return false;
  return names.relations.has(one.name) || (names.isAdoption && one.relkind === "c");
}

function taken(kind: string, name: string): Finding {
  const statement = kind === "function" ? "ROUTINE" : kind.replace("partitioned ", "").toUpperCase();
  return {
    rule: "name-taken",
    object: `${kind} public.${name}`,
    message: "has a name that the migration needs, and belongs to another program",
    remedy: `ALTER ${statement} public.${name} RENAME TO …; or SET SCHEMA …;`,
  };
}

function takenColumn(table: string, name: string, type: string): Finding {
  return {
    rule: "column-taken",
    object: `column ${table}.${quoted(name)}`,
    message: `has a name that the migration needs for a column of its own (it is ${type})`,
    remedy: `Move its values to a table of your own, then ALTER TABLE public.${table} DROP COLUMN ${quoted(name)};`,
  };
}
