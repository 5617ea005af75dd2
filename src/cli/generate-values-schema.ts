import { POD_SETTINGS } from "../api/pod-setting.ts";
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
 * The chart's values.schema.json: `present`, with the Pod settings from src/api. Objects allow no unlisted members,
 * because Helm would ignore a misspelt one.
 */
export function valuesSchema(present: string): string {
  const schema = JSON.parse(present) as { $defs: JsonSchema };
  const chartVariable = { enum: VARIABLES };
  const chartFlag = { pattern: `^--(?:${CHART_FLAGS.join("|")})(?:=|$)` };
  const $defs = { ...schema.$defs, nodeSelector, tolerations, affinity, chartVariable, chartFlag };
  return `${JSON.stringify({ ...schema, $defs }, closed, 2)}\n`;
}

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
