import { type ParseArgsConfig, parseArgs } from "node:util";
import { errorMessage, UsageError } from "../platform/errors.ts";
import { nearest } from "./nearest.ts";

export interface Flag {
  /** The name without dashes. */
  name: string;
  short?: string;
  /** The placeholder of the value in the help, such as `FILE`. Absent: the flag is a switch. */
  value?: string;
  /** The allowed values. Absent: any value. */
  choices?: readonly string[];
  /** The default value. */
  fallback?: string;
  description: string;
}

type FlagValue<F extends Flag> = F extends { value: string }
  ?
      | (F extends { choices: readonly (infer Choice)[] } ? Choice : string)
      | (F extends { fallback: string } ? never : undefined)
  : boolean;

type FlagValues<Flags extends readonly Flag[]> = { [F in Flags[number] as F["name"]]: FlagValue<F> };

/** Parses a command line. Throws `UsageError` for an unknown flag, a missing value, and an unexpected argument. */
export function parseCommandLine<const Flags extends readonly Flag[]>(
  flags: Flags,
  args: string[],
  { allowPositionals = false }: { allowPositionals?: boolean } = {},
): { values: FlagValues<Flags>; positionals: string[] } {
  const { values, positionals } = parse(flags, { args, allowPositionals });
  for (const { name, choices } of flags) {
    const value = values[name];
    if (choices !== undefined && typeof value === "string" && !choices.includes(value))
      throw new UsageError(`--${name} must be ${listed(choices)}, not '${value}'`);
  }
  return { values: values as FlagValues<Flags>, positionals };
}

function parse(flags: readonly Flag[], config: Pick<ParseArgsConfig, "args" | "allowPositionals">) {
  const options = Object.fromEntries(
    flags.map(({ name, short, value, fallback }) => [
      name,
      {
        type: value === undefined ? ("boolean" as const) : ("string" as const),
        ...(short === undefined ? {} : { short }),
        ...(value === undefined ? { default: false } : fallback === undefined ? {} : { default: fallback }),
      },
    ]),
  );
  try {
    return parseArgs({ ...config, options });
  } catch (error) {
    throw new UsageError(unknownFlag(flags, error) ?? errorMessage(error), { cause: error });
  }
}

function unknownFlag(flags: readonly Flag[], error: unknown): string | undefined {
  if ((error as NodeJS.ErrnoException).code !== "ERR_PARSE_ARGS_UNKNOWN_OPTION") return undefined;
  const [, given = ""] = /^Unknown option '([^']*)'/.exec(errorMessage(error)) ?? [];
  const near = nearest(
    given.replace(/^-+/, ""),
    flags.map(({ name }) => name),
  );
  return `unknown flag ${given}: ${near === undefined ? "see --help" : `did you mean --${near}?`}`;
}

/** The value of a flag that is a whole number from 1 to `most`. */
export function parseCount(flag: string, text: string, most: number): number {
  const number = Number(text);
  if (!/^\d{1,6}$/.test(text) || number < 1 || number > most)
    throw new UsageError(`--${flag} must be a whole number from 1 to ${most}`);
  return number;
}

/** `a`, `a or b`, `a, b or c`. */
export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
