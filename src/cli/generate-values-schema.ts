import { POD_SETTINGS } from "../api/pod-setting.ts";
import { FLAGS } from "./operator-flag-list.ts";

type JsonSchema = Record<string, unknown>;

/** What the chart's values have in common with the Pod settings of a Sovereign. */
const { nodeSelector, tolerations, affinity } = POD_SETTINGS;

/** Variables that the chart sets. One in extraEnv would silently override a value. */
const VARIABLES = [
  ...FLAGS.filter(({ chartValue }) => chartValue !== undefined).map(({ variable }) => variable),
  "POD_NAME",
  "WEBHOOK_CERT_SECRET",
];

/**
 * The chart's values.schema.json: `present`, with the Pod settings from src/api. Helm refuses a member that no object lists.
 * Otherwise it would ignore a misspelt one.
 */
export function valuesSchema(present: string): string {
  const schema = JSON.parse(present) as { $defs: JsonSchema };
  const $defs = { ...schema.$defs, nodeSelector, tolerations, affinity, chartVariable: { enum: VARIABLES } };
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
