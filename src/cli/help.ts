import type { Action, Command, NamedCommand } from "./command.ts";
import type { Flag } from "./flag.ts";

/** The width of help texts in columns. */
const WIDTH = 110;
/** After a longer name, the text starts on the next line. */
const MAX_NAME = 34;

/** The program's name as the person called it: kubectl runs `kubectl-catalyst` as `kubectl catalyst`. */
export interface Program {
  name: string;
  commands: readonly string[];
}

/** Replaces `catalyst` before each command by the name that the person typed. */
export const asCalled = ({ name, commands }: Program, text: string): string =>
  text.replaceAll(
    new RegExp(`(?<![\\w/-]|kubectl )catalyst (?=(?:${commands.join("|")}|help)\\b)`, "g"),
    `${name} `,
  );

/** The text of `catalyst help`. */
export function overview(program: string, commands: readonly NamedCommand[]): string {
  const rows = commands.map(({ name, command }) => [name, command.summary] as const);
  return [
    `Usage: ${program} COMMAND [FLAGS]`,
    columns(rows),
    wrapped(
      `${program} help COMMAND shows the flags of a command, ${program} --version the version. Exit codes: 0 done, 1 the check failed, 2 wrong usage, 130 stopped by Ctrl-C, 143 stopped by SIGTERM.`,
    ),
    "",
  ].join("\n\n");
}

/** The text of `catalyst help NAME`. */
export function helpText(program: Program, name: string, command: Command): string {
  const { description, actions = [], flags, examples = [], environment = [], exitCodes } = command;
  const section = (title: string, rows: readonly (readonly [string, string])[]) =>
    rows.length === 0 ? [] : [`${title}:\n${columns(rows)}`];
  return asCalled(
    program,
    `${[
      `Usage: ${usageOf(name, command)}`,
      ...description.map((paragraph) => wrapped(paragraph)),
      ...section(
        "Actions",
        actions.map((action) => [actionName(action), action.summary]),
      ),
      ...section(
        "Flags",
        flags.map((flag) => [flagName(flag), flagMeaning(flag)]),
      ),
      ...section("Environment", environment),
      ...section("Examples", examples),
      wrapped(`Exit codes: ${exitCodes}.`),
    ].join("\n\n")}\n`,
  );
}

/** `catalyst rollout ACTION RELEASE [NAME] [FLAGS]` */
export const usageOf = (name: string, { usage, flags }: Pick<Command, "usage" | "flags">): string =>
  [`catalyst ${name}`, usage, flags.length === 0 ? undefined : "[FLAGS]"]
    .filter((part) => part !== undefined)
    .join(" ");

/** `approve RELEASE [STAGE]` */
export const actionName = (action: Action): string => `${action.name} ${action.arguments}`.trim();

/** `-o, --output FORMAT` */
export const flagName = ({ name, short, value }: Flag): string =>
  [short === undefined ? [] : `-${short},`, `--${name}`, value ?? []].flat().join(" ");

/** The description, with the default unless the description names it. */
export const flagMeaning = ({ description, fallback }: Flag): string =>
  fallback === undefined ? description : `${description} (${fallback})`;

/** Two columns, names and wrapped texts. */
function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length).filter((length) => length <= MAX_NAME), 0) + 3;
  return rows
    .map(([name, text]) => {
      const lines = wrapped(text, WIDTH - width - 2).split("\n");
      const indented = lines.map((line) => " ".repeat(width + 2) + line);
      return name.length + 3 > width
        ? [`  ${name}`, ...indented].join("\n")
        : [`  ${name.padEnd(width)}${lines[0]}`, ...indented.slice(1)].join("\n");
    })
    .join("\n");
}

function wrapped(text: string, width = WIDTH): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + word.length >= width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join("\n");
}
