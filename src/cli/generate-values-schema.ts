import { POD_SETTINGS } from "../api/pod-setting.ts";
import { FLAGS } from "./operator-flag-list.ts";

type JsonSchema = Record<string, unknown>;

/** What the chart's values have in common with the Pod settings of a Sovereign. */
const { nodeSelector, tolerations, affinity } = POD_SETTINGS;

/**
 * Variables that the chart sets. One in extraEnv, or its flag in extraArgs, would silently override a value: the policies and the
 * ports of the chart would then be others than those of the operator.
 */
const VARIABLES = [
  ...FLAGS.filter(({ chartValue }) => chartValue !== undefined).map(({ variable }) => variable),
  "POD_NAME",
  "WEBHOOK_CERT_SECRET",
];
const CHART_FLAGS = FLAGS.filter(({ variable }) => VARIABLES.includes(variable)).map(({ flag }) => flag);

/**
 * The chart's values.schema.json: `present`, with the Pod settings from src/api. Helm refuses a member that no object lists.
 * Otherwise it would ignore a misspelt one.
 */
export function valuesSchema(present: string): string {
  const schema = JSON.parse(present) as { $defs: JsonSchema };
  const chartVariable = { enum: VARIABLES };
  const chartFlag = { pattern: `^--(?:${CHART_FLAGS.join("|")})(?:=|$)` };
  const $defs = { ...schema.$defs, nodeSelector, tolerations, affinity, chartVariable, chartFlag };
  return `${JSON.stringify({ ...schema, $defs }, closed, 2)}\n`;
}

/** Leaves out what only Kubernetes reads, and allows no other members than the listed ones. */
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
