import type { NamedCommand } from "./command.ts";
import type { Flag } from "./flag.ts";

export const SHELLS = [
  { name: "bash", summary: "the script of bash" },
  { name: "zsh", summary: "the script of zsh" },
  { name: "fish", summary: "the script of fish" },
  { name: "kubectl", summary: "the program that kubectl's completion runs for kubectl catalyst" },
] as const;

type Shell = (typeof SHELLS)[number]["name"];

/** The script contains all words, so that a key press does not start Node. */
export function completionScript(shell: Shell, commands: readonly NamedCommand[]): string {
  switch (shell) {
    case "bash":
      return `${wordFunction(commands)}${BASH}`;
    case "zsh":
      return `autoload -U +X bashcompinit && bashcompinit\n${wordFunction(commands)}${BASH}`;
    case "fish":
      return fishScript(commands);
    case "kubectl":
      return `#!/bin/sh\n${wordFunction(commands)}${KUBECTL}`;
  }
}

/**
 * `_catalyst_words COMMAND POSITION PREVIOUS` prints the words that are allowed at a position. Position 1 is the
 * command itself. Without output, the shell offers file names. POSIX sh.
 */
function wordFunction(commands: readonly NamedCommand[]): string {
  const values = commands.flatMap(({ name, command }) =>
    command.flags
      .filter(({ value }) => value !== undefined)
      .map(
        (flag) =>
          `    ${namesOf(flag)
            .map((spelling) => `"${name} ${spelling}"`)
            .join("|")}) echo "${flag.choices?.join(" ") ?? ""}"; return;;`,
      ),
  );
  const actions = commands.flatMap(({ name, command }) =>
    command.actions === undefined
      ? []
      : [`    "${name} 2") echo "${command.actions.map((action) => action.name).join(" ")}"; return;;`],
  );
  const names = commands.map(({ name }) => name).join(" ");
  return `_catalyst_words() {
  case "$1 $3" in
${values.join("\n")}
  esac
  case "$1 $2" in
    *" 1") echo "${names} help --help --version"; return;;
    "help 2") echo "${names}"; return;;
${actions.join("\n")}
  esac
  case "$1" in
${commands.map(({ name, command }) => `    ${name}) echo "${[...command.flags.map((flag) => `--${flag.name}`), "--help"].join(" ")}";;`).join("\n")}
  esac
}
`;
}

const BASH = `_catalyst() {
  local cur="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=($(compgen -W "$(_catalyst_words "\${COMP_WORDS[1]}" "$COMP_CWORD" "\${COMP_WORDS[COMP_CWORD-1]}")" -- "$cur"))
}
complete -o default -F _catalyst catalyst
`;

/** kubectl passes the words after the plugin's name. The last line, `:4`, tells kubectl to offer no file names. */
const KUBECTL = `command="$1"; position=$#; previous=""; current=""
for word in "$@"; do previous="$current"; current="$word"; done
for word in $(_catalyst_words "$command" "$position" "$previous"); do
  case "$word" in "$current"*) echo "$word";; esac
done
echo ":4"
`;

function fishScript(commands: readonly NamedCommand[]): string {
  const line = (...parts: string[]) => ["complete -c catalyst", ...parts].join(" ");
  const atFirst = "-n __fish_use_subcommand -f";
  /** After the word, and before one of the words that may follow it. */
  const after = (word: string, following: readonly string[]) =>
    `-n '__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${following.join(" ")}'`;
  const names = commands.map(({ name }) => name);
  return `${[
    ...commands.map(({ name, command }) => line(atFirst, `-a ${name}`, `-d ${quoted(command.summary)}`)),
    line(atFirst, "-a help", "-d 'show the flags of a command'"),
    line(atFirst, "-l version", "-d 'print the version'"),
    line("-f", "-l help", "-d 'show the flags of a command'"),
    line(after("help", names), "-f", `-a '${names.join(" ")}'`),
    ...commands.flatMap(({ name, command }) => {
      const actions = command.actions ?? [];
      const first = after(
        name,
        actions.map((action) => action.name),
      );
      return [
        ...actions.map((action) => line(first, "-f", `-a ${action.name}`, `-d ${quoted(action.summary)}`)),
        ...command.flags.map((flag) => line(`-n '__fish_seen_subcommand_from ${name}'`, fishFlag(flag))),
      ];
    }),
  ].join("\n")}\n`;
}

function fishFlag({ name, short, value, choices, description }: Flag): string {
  return [
    ...(short === undefined ? [] : [`-s ${short}`]),
    `-l ${name}`,
    ...(value === undefined ? ["-f"] : ["-r"]),
    ...(choices === undefined ? [] : ["-f", `-a ${quoted(choices.join(" "))}`]),
    `-d ${quoted(description)}`,
  ].join(" ");
}

const namesOf = ({ name, short }: Flag): string[] => [
  `--${name}`,
  ...(short === undefined ? [] : [`-${short}`]),
];

const quoted = (text: string): string => `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
