import { stringify } from "yaml";
import type { Flag } from "./flag.ts";
import { printable } from "./terminal-text.ts";

/** The flag that chooses the output format. */
export const OUTPUT_FLAG = {
  name: "output",
  short: "o",
  value: "FORMAT",
  choices: ["text", "json", "yaml"],
  fallback: "text",
  description: "text, json or yaml",
} as const satisfies Flag;

export type OutputFormat = (typeof OUTPUT_FLAG.choices)[number];

/** Returns `value` as one JSON or YAML document, or the text for people. */
export function formatted(format: OutputFormat, value: unknown, text: () => string): string {
  if (format === "json") return `${JSON.stringify(value)}\n`;
  // Goes through JSON, so that both formats have the same members: undefined members are absent, and dates are strings.
  return format === "yaml"
    ? stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 })
    : printable(text());
}
