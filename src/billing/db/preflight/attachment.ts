import type { Observation, Of } from "./catalog.ts";
import type { EarlierTable, UniqueClaim } from "./claim.ts";
import { type Finding, quoted } from "./finding.ts";

/**
 * Judges an object that others attached to a table: it blocks our statements, changes their effects, or is removed and
 * recorded.
 */
export function judgeAttachment(
  one: Observation,
  table: EarlierTable,
  uniques: readonly UniqueClaim[],
): Finding[] {
  const on = `public.${table.name}`;
  switch (one.kind) {
    case "foreign key":
      return [judgeForeignKey(one, table)];
    case "trigger":
    case "rule":
    case "policy":
      return [interference(one, on)];
    case "child":
      return [
        {
          rule: "inheritance",
          object: `table ${one.name}`,
          message: `inherits from ${on}: queries of ours would read its rows too, and our keys do not cover them`,
          remedy: `ALTER TABLE ${one.name} NO INHERIT ${on};`,
        },
      ];
    case "parent":
      return [
        {
          rule: "inheritance",
          object: `table ${on}`,
          message: `inherits from, or is a partition of, ${one.name}: a change of that table would change its shape`,
          remedy: `ALTER TABLE ${on} NO INHERIT ${one.name}; or ALTER TABLE ${one.name} DETACH PARTITION ${on};`,
        },
      ];
    case "row type":
      return [judgeRowType(one, on)];
    case "view":
      return [
        {
          rule: "view",
          object: `view ${one.name}`,
          message: `reads ${on}, and stays`,
          remedy: "Ask its owner to check it: from now on the table has more columns and new kinds of rows.",
        },
      ];
    case "index":
      return [
        {
          rule: "index-replaced",
          object: `index ${quoted(one.name)} on ${on}`,
          message: `is dropped, because ours replace it: ${one.definition}`,
          remedy: "Nothing to do. An additional index would change the fingerprint.",
        },
      ];
    case "constraint":
      return isStandard(one, uniques)
        ? []
        : [
            {
              rule: "constraint-replaced",
              object: `constraint ${quoted(one.name)} on ${on}`,
              message: `is dropped, because ours replace it: ${one.definition}`,
              remedy: "Nothing to do, unless another program depends on it.",
            },
          ];
    default:
      return [];
  }
}

function judgeForeignKey(one: Of<"foreign key">, table: EarlierTable): Finding {
  const object = `foreign key ${quoted(one.name)} of ${one.by}`;
  const target = `references public.${table.name} (${one.column})`;
  const drop = `ALTER TABLE ${one.by} DROP CONSTRAINT ${quoted(one.name)};`;
  // Undoing an order deletes its redemption. No other row of these tables is ever deleted.
  if (table.name === "promo_redemptions" && one.blocksDelete) {
    return {
      rule: "foreign-key",
      object,
      message: `${target}, and would prevent us from undoing a redemption`,
      remedy: `${drop} then add it again with ON DELETE CASCADE or SET NULL.`,
    };
  }
  if (one.isOnPrimaryKey) {
    return {
      rule: "foreign-key-kept",
      object,
      message: `${target}, and stays`,
      remedy: "Nothing to do. A row that it references cannot be deleted, and no adopted row ever is.",
    };
  }
  return {
    rule: "foreign-key",
    object,
    message: `${target}, and adoption drops and recreates the unique constraint that it depends on`,
    remedy: `${drop} then add it again after the migration.`,
  };
}

function interference(one: Of<"trigger" | "rule" | "policy">, on: string): Finding {
  const name = quoted(one.name);
  return {
    rule: one.kind === "policy" ? "row-security" : one.kind,
    object: `${one.kind} ${name} on ${on}`,
    message: `changes what our statements do or see (${one.definition})`,
    remedy: `DROP ${one.kind.toUpperCase()} ${name} ON ${on}; then do its work outside these tables.`,
  };
}

function judgeRowType(one: { name: string }, on: string): Finding {
  const dot = one.name.lastIndexOf(".");
  const [relation, column] = [one.name.slice(0, dot), one.name.slice(dot + 1)];
  return {
    rule: "row-type",
    object: `column ${one.name}`,
    message: `has the row type of ${on}, so PostgreSQL lets us add no column to ${on}`,
    remedy: `ALTER TABLE ${relation} ALTER COLUMN ${column} TYPE jsonb USING to_jsonb(${column});`,
  };
}

/** Whether the constraint is one of the earlier service's own, under any name. */
function isStandard(
  { contype, definition, table }: Of<"constraint">,
  uniques: readonly UniqueClaim[],
): boolean {
  if (contype === "p") return true;
  if (contype === "u")
    return uniques.some((one) => one.table === table && definition === `UNIQUE (${one.column})`);
  if (contype === "f")
    return /^FOREIGN KEY \((customer_id|code)\) REFERENCES (public\.)?(customers|promo_codes)\((id|code)\)/.test(
      definition,
    );
  return table === "settings" && /^CHECK \(\(id = 1\)\)$/.test(definition);
}
