import { type ChildProcess, spawn } from "node:child_process";

/**
 * Kills our child processes when this process ends without cleaning up, for example by kill -9. It is a shell that reads
 * `+ PID` and `- PID` lines from a pipe. When the pipe closes, it kills every PID that is still on its list. A PID leaves
 * the list when its process exits, so the shell never kills a later process that got the same number.
 */
export interface Watchdog {
  watch(child: ChildProcess): void;
  close(): Promise<void>;
}

// SIGQUIT comes first: PostgreSQL's postmaster then ends its own child processes. All other programs are one process each.
const SCRIPT = `
list=" "
while read -r op pid; do
  case $op in
    +) list="$list$pid " ;;
    -) list="\${list%% $pid *} \${list#* $pid }" ;;
  esac
done
for pid in $list; do kill -QUIT "$pid" 2>/dev/null; done
sleep 0.2
for pid in $list; do kill -KILL "$pid" 2>/dev/null; done
exit 0
`;

export function createWatchdog(): Watchdog {
  // Detached, so that a Ctrl-C in the terminal does not end the shell before us.
  const shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  shell.unref();
  const input = shell.stdin;
  input.on("error", () => {});
  // Without unref, the open pipe would keep this process running.
  (input as unknown as { unref?(): void }).unref?.();
  return {
    watch(child) {
      const { pid } = child;
      if (pid === undefined) return;
      input.write(`+ ${pid}\n`);
      child.once("exit", () => input.write(`- ${pid}\n`));
    },
    close: () =>
      new Promise((resolve) => {
        shell.ref();
        shell.once("exit", () => resolve());
        input.end();
      }),
  };
}
