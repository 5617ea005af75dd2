import type { Observation, Of } from "./catalog.ts";
import type { EarlierTable, UniqueClaim } from "./claim.ts";
import { type Finding, quoted } from "./finding.ts";

/** What others have hung on a table: it blocks our statements, changes what they do, or goes and is written down. */
export function judgeAttachment(
  one: Observation,
  table: EarlierTable,
  uniques: readonly UniqueClaim[],
): Finding[] {
  const on = `public.${table.name}`;
  const alter = `ALTER TABLE ${on}`;
  switch (one.kind) {
    case "foreign key":
      // An order that is undone deletes its redemption; no other row of these tables is ever deleted.
      if (table.name === "promo_redemptions" && one.blocksDelete) {
        return [
          {
            rule: "foreign-key",
            object: `foreign key ${quoted(one.name)} of ${one.by}`,
            message: `points to ${on} (${one.column}), and would keep a redemption from being undone`,
            remedy: `ALTER TABLE ${one.by} DROP CONSTRAINT ${quoted(one.name)}; and add it again with ON DELETE CASCADE or SET NULL.`,
          },
        ];
      }
      return one.isOnPrimaryKey
        ? [
            {
              rule: "foreign-key-kept",
              object: `foreign key ${quoted(one.name)} of ${one.by}`,
              message: `points to ${on} (${one.column}), and stays`,
              remedy:
                "Rows that it points to cannot be deleted while it stands; nothing here deletes adopted ones.",
            },
          ]
        : [
            {
              rule: "foreign-key",
              object: `foreign key ${quoted(one.name)} of ${one.by}`,
              message: `leans on ${on} (${one.column}), whose unique constraint adoption sets anew`,
              remedy: `ALTER TABLE ${one.by} DROP CONSTRAINT ${quoted(one.name)}; and add it again after the migration.`,
            },
          ];
    case "trigger":
      return [
        hung(
          "trigger",
          `trigger ${quoted(one.name)} on ${on}`,
          `DROP TRIGGER ${quoted(one.name)} ON ${on};`,
          one.definition,
        ),
      ];
    case "rule":
      return [
        hung(
          "rule",
          `rule ${quoted(one.name)} on ${on}`,
          `DROP RULE ${quoted(one.name)} ON ${on};`,
          one.definition,
        ),
      ];
    case "policy":
      return [
        hung(
          "row-security",
          `policy ${quoted(one.name)} on ${on}`,
          `DROP POLICY ${quoted(one.name)} ON ${on};`,
          one.definition,
        ),
      ];
    case "child":
      return [
        {
          rule: "inheritance",
          object: `table ${one.name}`,
          message: `inherits from ${on}: its rows would count among ours, past our keys`,
          remedy: `ALTER TABLE ${one.name} NO INHERIT ${on};`,
        },
      ];
    case "parent":
      return [
        {
          rule: "inheritance",
          object: `table ${on}`,
          message: `inherits from, or is a partition of, ${one.name}: its shape follows another table's`,
          remedy: `${alter} NO INHERIT ${one.name}; or ALTER TABLE ${one.name} DETACH PARTITION ${on};`,
        },
      ];
    case "row type": {
      const dot = one.name.lastIndexOf(".");
      const [relation, column] = [one.name.slice(0, dot), one.name.slice(dot + 1)];
      return [
        {
          rule: "row-type",
          object: `column ${one.name}`,
          message: `has the row type of ${on}, so no column can be added there`,
          remedy: `ALTER TABLE ${relation} ALTER COLUMN ${column} TYPE jsonb USING to_jsonb(${column});`,
        },
      ];
    }
    case "view":
      return [
        {
          rule: "view",
          object: `view ${one.name}`,
          message: `reads ${on}, and stays`,
          remedy: "Have its owner look at it: the table has more columns and other rows from now on.",
        },
      ];
    case "index":
      return [
        {
          rule: "index-replaced",
          object: `index ${quoted(one.name)} on ${on}`,
          message: `is dropped in favour of ours: ${one.definition}`,
          remedy: "Nothing to do: an index besides ours changes the fingerprint.",
        },
      ];
    case "constraint": {
      if (isStandard(one, uniques)) return [];
      return [
        {
          rule: "constraint-replaced",
          object: `constraint ${quoted(one.name)} on ${on}`,
          message: `is dropped in favour of ours: ${one.definition}`,
          remedy: "Nothing to do, unless another program counts on it.",
        },
      ];
    }
    default:
      return [];
  }
}

function hung(
  rule: "trigger" | "rule" | "row-security",
  object: string,
  remedy: string,
  definition: string,
): Finding {
  return {
    rule,
    object,
    message: `changes what our statements do or see (${definition})`,
    remedy: `${remedy} What it did has to be done elsewhere.`,
  };
}

/** What the earlier service itself set, under whatever name. */
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
