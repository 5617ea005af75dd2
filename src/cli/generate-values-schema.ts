import { parse } from "yaml";
import { isMap } from "../api/object.ts";
import { POD_SETTINGS } from "../api/pod-setting.ts";
import { GROUPS_OF_EVERYONE } from "./identity-flag.ts";
import { FLAGS } from "./operator-flag-list.ts";

type JsonSchema = Record<string, unknown>;

/** Pod settings that the chart and a Sovereign share. */
const { nodeSelector, tolerations, affinity } = POD_SETTINGS;

/**
 * Variables that the chart sets. One in extraEnv, or its flag in extraArgs, would silently override a value. The chart's
 * policies and ports would then differ from the operator's.
 */
const VARIABLES = [
  ...FLAGS.filter(({ chartValue }) => chartValue !== undefined).map(({ variable }) => variable),
  "POD_NAME",
  "WEBHOOK_CERT_SECRET",
];
const CHART_FLAGS = FLAGS.filter(({ variable }) => VARIABLES.includes(variable)).map(({ flag }) => flag);

/**
 * The chart's values.schema.json: `present`, with the Pod settings from src/api, what the operator's flags rule out, and the
 * members of values.yaml that every release needs. Objects allow no unlisted members, because Helm would ignore a misspelt one.
 */
export function valuesSchema(present: string, valuesYaml: string): string {
  const given = JSON.parse(present) as JsonSchema & { $defs: JsonSchema };
  const schema = withNeeded(given, parse(valuesYaml) as JsonSchema) as typeof given;
  const chartVariable = { enum: VARIABLES };
  const chartFlag = { pattern: `^--(?:${CHART_FLAGS.join("|")})(?:=|$)` };
  const platformGroup = {
    type: "string",
    minLength: 1,
    pattern: "^[^,]+$",
    not: { enum: GROUPS_OF_EVERYONE },
  };
  const podSettings = { nodeSelector, tolerations, affinity };
  const $defs = { ...schema.$defs, ...podSettings, chartVariable, chartFlag, platformGroup };
  return `${JSON.stringify({ ...schema, $defs }, closed, 2)}\n`;
}

/** A person may remove each of these from the defaults. */
const REMOVABLE = ["resources"];

/** Every release must set each of these, whose default is empty. */
const REQUIRED_THOUGH_EMPTY = ["digest"];

/**
 * Requires the members that have a default. `helm upgrade --reuse-values` leaves out the defaults that are new in a version
 * of the chart. Without them, the templates would fail without a remedy, or leave out what the default turns on.
 */
function withNeeded(schema: JsonSchema, defaults: JsonSchema): JsonSchema {
  const { properties } = schema as { properties?: Record<string, JsonSchema> };
  if (properties === undefined) return schema;
  const needed = Object.keys(defaults).filter(
    (name) => REQUIRED_THOUGH_EMPTY.includes(name) || (!REMOVABLE.includes(name) && !isEmpty(defaults[name])),
  );
  const members = Object.entries(properties).map(([name, member]) => [
    name,
    isMap(defaults[name]) && !REMOVABLE.includes(name) ? withNeeded(member, defaults[name]) : member,
  ]);
  return {
    ...schema,
    properties: Object.fromEntries(members),
    ...(needed.length === 0 ? {} : { required: needed }),
  };
}

const isEmpty = (value: unknown): boolean =>
  value === "" || (typeof value === "object" && Object.keys(value ?? {}).length === 0);

/** Removes the members that only Kubernetes reads, and forbids unlisted members. */
function closed(key: string, value: unknown): unknown {
  if (key.startsWith("x-kubernetes-")) return undefined;
  const isOpen =
    typeof value === "object" &&
    value !== null &&
    "properties" in value &&
    !("additionalProperties" in value);
  return isOpen && (value as JsonSchema).type === "object"
    ? { ...value, additionalProperties: false }
    : value;
}
