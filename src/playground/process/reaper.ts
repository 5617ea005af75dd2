import { type ChildProcess, spawn } from "node:child_process";

/**
 * Ends children when this process dies without a chance to: also by kill -9. A shell reads `+ PID` and `- PID` lines;
 * when its input closes, whatever is still on the list is killed. A PID leaves the list as soon as its process exits,
 * so that a later process under the same number is safe.
 */
export interface Reaper {
  watch(child: ChildProcess): void;
  close(): Promise<void>;
}

// PostgreSQL's postmaster ends its own children when it is quit; everything else is one process.
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

export function createReaper(): Reaper {
  // Its own session: a Ctrl-C in the terminal must not end it before us.
  const shell = spawn("/bin/sh", ["-c", SCRIPT], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  shell.unref();
  const input = shell.stdin;
  input.on("error", () => {});
  // A detached child with a pipe would keep the process alive; the pipe is for its end, not for its life.
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
