import type { Observation } from "./catalog.ts";
import type { Claim, EarlierTable } from "./claim.ts";
import { type Finding, quoted, RELATION_KINDS } from "./finding.ts";

/**
 * Whoever has a name that a migration is about to make. In an adoption nothing may be named as ours are: what is would change the
 * fingerprint; and the indexes of the earlier tables are no hindrance: they go first.
 */
export function judgeNames(
  observations: readonly Observation[],
  claims: readonly Claim[],
  adopted: readonly EarlierTable[] | undefined,
): Finding[] {
  const isAdoption = adopted !== undefined;
  const earlier = new Set(adopted?.map(({ name }) => name));
  const primaryKeys = new Set(adopted?.map(({ name }) => `${name}_pkey`));
  const columns = new Set(columnNames(claims));
  const functions = new Set(claims.filter(({ kind }) => kind === "function").map(({ name }) => name));
  const relations = new Set(
    claims.filter(({ kind }) => kind !== "function" && kind !== "column").map(({ name }) => name),
  );
  return observations.flatMap((one): Finding[] => {
    switch (one.kind) {
      case "relation": {
        const kind = RELATION_KINDS[one.relkind] ?? "relation";
        if (primaryKeys.has(one.name)) {
          const isItsOwn = one.isPrimary && `${one.indexOf}_pkey` === one.name;
          return isItsOwn ? [] : [taken(kind, quoted(one.name))];
        }
        if (one.indexOf !== null && earlier.has(one.indexOf)) return [];
        const isNamedAsOurs = relations.has(one.name) || (isAdoption && one.relkind === "c");
        return isNamedAsOurs ? [taken(kind, quoted(one.name))] : [];
      }
      case "type":
        return relations.has(one.name) || earlier.has(one.name) ? [taken("type", quoted(one.name))] : [];
      case "function":
        return functions.has(one.name) || isAdoption ? [taken("function", one.signature)] : [];
      case "column":
        return columns.has(`${one.table}.${one.name}`) ? [takenColumn(one.table, one.name, one.type)] : [];
      default:
        return [];
    }
  });
}

/** `table.column` of each column that a migration adds. */
export function columnNames(claims: readonly Claim[]): string[] {
  return claims.filter(({ kind }) => kind === "column").map(({ table, name }) => `${table}.${name}`);
}

function taken(kind: string, name: string): Finding {
  const statement = kind === "function" ? "ROUTINE" : kind.replace("partitioned ", "").toUpperCase();
  return {
    rule: "name-taken",
    object: `${kind} public.${name}`,
    message: "has a name of ours, and is not ours",
    remedy: `ALTER ${statement} public.${name} RENAME TO …; or SET SCHEMA …;`,
  };
}

function takenColumn(table: string, name: string, type: string): Finding {
  return {
    rule: "column-taken",
    object: `column ${table}.${quoted(name)}`,
    message: `has a name that the migration needs for a column of its own (it is ${type})`,
    remedy: `Move what it holds to a table of your own, then ALTER TABLE public.${table} DROP COLUMN ${quoted(name)};`,
  };
}
