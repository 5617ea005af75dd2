import { stringify } from "yaml";
import type { Flag } from "./flag.ts";
import { printable } from "./terminal-text.ts";

/** How a command prints its result. */
export const OUTPUT_FLAG = {
  name: "output",
  short: "o",
  value: "FORMAT",
  choices: ["text", "json", "yaml"],
  fallback: "text",
  description: "text, json or yaml",
} as const satisfies Flag;

export type OutputFormat = (typeof OUTPUT_FLAG.choices)[number];

/** `value` as one document, or the text that a person reads. */
export function formatted(format: OutputFormat, value: unknown, text: () => string): string {
  if (format === "json") return `${JSON.stringify(value)}\n`;
  // Through JSON, so that both formats have the same members: undefined is absent, and a date is a text.
  return format === "yaml"
    ? stringify(JSON.parse(JSON.stringify(value)), { lineWidth: 0 })
    : printable(text());
}
