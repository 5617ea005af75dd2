import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterAll, describe, expect, it } from "vitest";
import { COMMAND_NAMES, loadCommands } from "../../../src/cli/command-list.ts";
import { completionScript } from "../../../src/cli/completion-script.ts";
import { failureText } from "../../../src/cli/failure.ts";
import { parseCommandLine } from "../../../src/cli/flag.ts";
import { asCalled, helpText, overview } from "../../../src/cli/help.ts";
import { nearest, unknownName } from "../../../src/cli/nearest.ts";
import { formatted } from "../../../src/cli/output.ts";
import { table } from "../../../src/cli/table.ts";
import { KubeError } from "../../../src/kube/error.ts";
import { UsageError } from "../../../src/platform/errors.ts";

const commands = await loadCommands();
const folder = mkdtempSync(join(tmpdir(), "command-line-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the nearest name", () => {
  it.each([
    ["stauts", "status"],
    ["rolout", "rollout"],
    ["veryfi", "verify"],
    ["unistall", "uninstall"],
    ["", undefined],
    ["kubectl", undefined],
    ["sm", undefined],
  ])("of '%s' is %s", (given, name) => {
    expect(nearest(given, COMMAND_NAMES)).toBe(name);
  });

  it("is suggested beside the list of all names", () => {
    expect(unknownName("action", "statsu", ["status", "pause"])).toBe(
      "unknown action 'statsu': did you mean status? use one of status, pause",
    );
    expect(unknownName("action", "", ["status"])).toBe("name the action: one of status");
  });
});

describe("a failure", () => {
  const answered = (status: number, reason: string, serverMessage: string) =>
    new KubeError(`GET /api: ${serverMessage}`, { status, reason, serverMessage });

  it.each([
    [
      "of the connection",
      answered(0, "Unreachable", "https://c: connect ECONNREFUSED"),
      "the cluster does not answer (https://c: connect ECONNREFUSED): check the address and the network, or choose another with --kubeconfig or --context",
    ],
    [
      "of the credentials",
      answered(401, "Unauthorized", "Unauthorized"),
      "the cluster does not accept the credentials of the kubeconfig (Unauthorized): renew them, or choose another with --kubeconfig or --context",
    ],
    [
      "of the rights",
      answered(403, "Forbidden", 'User "a" cannot list resource "b"'),
      'User "a" cannot list resource "b"',
    ],
    ["of anything else", new Error("a broken file"), "a broken file"],
  ])("%s is shown with a remedy", (_, error, text) => {
    expect(failureText(error)).toBe(text);
  });
});

describe("a command line", () => {
  const flags = [
    {
      name: "output",
      short: "o",
      value: "FORMAT",
      choices: ["text", "json"],
      fallback: "text",
      description: "",
    },
    { name: "dry-run", description: "" },
    { name: "url", value: "URL", description: "" },
  ] as const;

  it("has a value for each flag that has a default, and false for each switch", () => {
    expect(parseCommandLine(flags, []).values).toEqual({ output: "text", "dry-run": false });
    const given = parseCommandLine(flags, ["-o", "json", "a", "--dry-run"], { allowPositionals: true });
    expect(given).toMatchObject({ values: { output: "json", "dry-run": true }, positionals: ["a"] });
  });

  it.each([
    [["--ulr", "x"], "unknown flag --ulr: did you mean --url?"],
    [["-x"], "unknown flag -x: see --help"],
    [["-o", "xml"], "--output must be text or json, not 'xml'"],
    [["--url"], "Option '--url <value>' argument missing"],
    [["--dry-run=1"], "Option '--dry-run' does not take an argument"],
    [["stray"], "Unexpected argument 'stray'"],
  ])("%j is refused", (args, message) => {
    const parse = () => parseCommandLine(flags, args);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(message);
  });
});

describe("help", () => {
  it.each(commands)("of $name names its usage, its flags and its exit codes", ({ name, command }) => {
    const text = helpText({ name: "catalyst", commands: COMMAND_NAMES }, name, command);
    expect(text).toMatch(new RegExp(`^Usage: catalyst ${name}\\b`));
    for (const flag of command.flags) expect(text).toContain(`--${flag.name}`);
    for (const action of command.actions ?? []) expect(text).toContain(`\n  ${action.name}`);
    expect(text).toContain(`Exit codes: ${command.exitCodes.slice(0, 40)}`);
    expect(text.split("\n").filter((line) => line.length > 110 && line.includes(" ", 40))).toEqual([]);
  });

  it("names the program as it was called", () => {
    const program = { name: "kubectl catalyst", commands: COMMAND_NAMES };
    expect(
      asCalled(program, "catalyst status: use: catalyst token, not /bin/catalyst token; a catalyst"),
    ).toBe("kubectl catalyst status: use: kubectl catalyst token, not /bin/catalyst token; a catalyst");
    expect(asCalled(program, "kubectl catalyst status")).toBe("kubectl catalyst status");
    expect(overview(program.name, commands)).toContain("Usage: kubectl catalyst COMMAND [FLAGS]");
  });
});

describe("an example in the help", () => {
  const examples = commands.flatMap(({ name, command }) =>
    (command.examples ?? []).map(([line]) => ({ line, name, command, args: line.split(" ").slice(2) })),
  );
  it.each(examples)("has an allowed command line: $line", ({ line, name, command, args }) => {
    expect(line.split(" ").slice(0, 2)).toEqual(["catalyst", name]);
    const { positionals } = parseCommandLine(command.flags, args, { allowPositionals: true });
    if (command.actions !== undefined)
      expect(command.actions.map((action) => action.name)).toContain(positionals[0]);
    else expect(command.usage === undefined ? positionals : []).toEqual([]);
  });

  const unreachable = join(folder, "kubeconfig");
  const clusters = [{ name: "c", cluster: { server: "https://127.0.0.1:1" } }];
  const contexts = [{ name: "c", context: { cluster: "c", user: "u" } }];
  const users = [{ name: "u", user: { token: "t" } }];
  writeFileSync(unreachable, JSON.stringify({ clusters, contexts, users, "current-context": "c" }));

  it.each(
    examples.filter(({ name }) => ["status", "rollout", "vouchers", "token", "uninstall"].includes(name)),
  )("calls the cluster: $line", async ({ command, args }) => {
    const { signal } = new AbortController();
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const run = command.run({ args, env: { KUBECONFIG: unreachable }, signal, stdout, stderr });
    await expect(run).rejects.toMatchObject({ name: "KubeError", reason: "Unreachable" });
  });
});

describe("a table", () => {
  it("has columns as wide as their longest cell, and no terminal control sequences", () => {
    expect(
      table(
        ["CODE", "DESCRIPTION", "USED"],
        [
          ["WELCOME10", "a\u001b[31m\nb", "0/5"],
          ["A", "", "1"],
        ],
      ),
    ).toBe(
      [
        "CODE        DESCRIPTION   USED",
        "WELCOME10   a [31m b      0/5",
        "A           <none>        1",
        "",
      ].join("\n"),
    );
  });
});

describe("a result", () => {
  const value = { code: "A", at: new Date(0), absent: undefined };
  it.each([
    ["json" as const, '{"code":"A","at":"1970-01-01T00:00:00.000Z"}\n'],
    ["yaml" as const, "code: A\nat: 1970-01-01T00:00:00.000Z\n"],
    ["text" as const, "shown\n"],
  ])("is printed as %s", (format, text) => {
    expect(formatted(format, value, () => "shown\n")).toBe(text);
  });

  it("has no terminal control sequence in its text", () => {
    expect(formatted("text", value, () => "a\u001b[2J\u009b31mb\r\nc\n")).toBe("a [2J 31mb \nc\n");
  });
});

describe("completion", () => {
  const bash = join(folder, "bash");
  writeFileSync(bash, completionScript("bash", commands));
  const kubectl = join(folder, "kubectl_complete-catalyst");
  writeFileSync(kubectl, completionScript("kubectl", commands), { mode: 0o700 });

  const ofBash = (...words: string[]) =>
    execFileSync(
      "bash",
      [
        ...[
          "-c",
          `source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _catalyst; printf "%s\\n" "\${COMPREPLY[@]}"`,
        ],
        ...[bash, "catalyst", ...words],
      ],
      { encoding: "utf8" },
    )
      .trim()
      .split("\n");
  const ofKubectl = (...words: string[]) =>
    execFileSync(kubectl, words, { encoding: "utf8" }).trim().split("\n");

  it.each([
    [["ro"], ["rollout"]],
    [["rollout", "p"], ["pause"]],
    [["help", "upd"], [""]],
    [["help", "uni"], ["uninstall"]],
    [
      ["status", "-o", ""],
      ["text", "json", "yaml"],
    ],
    [["status", "sovereign", "zero", "--cont"], ["--context"]],
    [["token", "--role", "cu"], ["customer"]],
    [["status", "--kubeconfig", ""], [""]],
    [["absent", ""], [""]],
  ])("offers after 'catalyst %j' exactly the allowed words", (words, offered) => {
    expect(ofBash(...words)).toEqual(offered);
    expect(ofKubectl(...words)).toEqual([...offered.filter((word) => word !== ""), ":4"]);
  });

  it("offers each command, and in fish each flag with its description", () => {
    expect(ofBash("")).toEqual([...COMMAND_NAMES, "help", "--help", "--version"]);
    const lines = completionScript("fish", commands).split("\n");
    expect(lines).toContain(
      "complete -c catalyst -n '__fish_seen_subcommand_from status' -s o -l output -r -f -a 'text json yaml' -d 'text, json or yaml'",
    );
    for (const { name, command } of commands)
      for (const flag of command.flags)
        expect(
          lines.filter((line) => line.includes(`_from ${name}' `) && line.includes(`-l ${flag.name} `)),
        ).toHaveLength(1);
  });

  it("offers fish the actions until one is given, and the commands after help", () => {
    const lines = completionScript("fish", commands).split("\n");
    expect(lines).toContain(
      "complete -c catalyst -n '__fish_seen_subcommand_from vouchers; and not __fish_seen_subcommand_from list issue revoke' -f -a list -d 'list vouchers, newest first'",
    );
    expect(lines).toContain(
      `complete -c catalyst -n '__fish_seen_subcommand_from help; and not __fish_seen_subcommand_from ${COMMAND_NAMES.join(" ")}' -f -a '${COMMAND_NAMES.join(" ")}'`,
    );
    for (const flag of ["help", "version"])
      expect(lines.filter((line) => line.includes(`-l ${flag} `))).toHaveLength(1);
  });

  it("gives zsh the script of bash, because zsh has bash's completion built in", () => {
    expect(completionScript("zsh", commands)).toBe(
      `autoload -U +X bashcompinit && bashcompinit\n${completionScript("bash", commands)}`,
    );
  });
});
