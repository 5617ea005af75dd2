import { UsageError } from "../platform/errors.ts";
import { type Command, EXIT, type NamedCommand } from "./command.ts";
import { completionScript, SHELLS } from "./completion-script.ts";
import { parseCommandLine } from "./flag.ts";
import { unknownName } from "./nearest.ts";

const FLAGS = [] as const;

export const createCommand = (loadCommands: () => Promise<NamedCommand[]>): { command: Command } => ({
  command: {
    summary: "print a shell's completion of commands, actions, flags and their values",
    usage: "bash|zsh|fish|kubectl",
    description: [
      "Prints a script that completes this program's commands, actions, flags and the flags' values.",
      "In ~/.bashrc or ~/.zshrc: source <(catalyst completion bash), or zsh in place of bash, after compinit. For fish, write the script to ~/.config/fish/completions/catalyst.fish. For kubectl, write it to an executable file kubectl_complete-catalyst in PATH: kubectl's own completion runs it.",
    ],
    actions: SHELLS.map(({ name, summary }) => ({ name, arguments: "", summary })),
    flags: FLAGS,
    examples: [["catalyst completion bash", "print the script of bash"]],
    exitCodes: "0 done, 2 wrong usage",
    async run({ args, stdout }) {
      const { positionals } = parseCommandLine(FLAGS, args, { allowPositionals: true });
      const [given = "", surplus] = positionals;
      const names = SHELLS.map(({ name }) => name);
      const shell = names.find((name) => name === given);
      if (shell === undefined) throw new UsageError(unknownName("shell", given, names));
      if (surplus !== undefined) throw new UsageError(`completion ${shell} does not take ${surplus}`);
      stdout.write(completionScript(shell, await loadCommands()));
      return EXIT.done;
    },
  },
});
