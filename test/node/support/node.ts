import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../../../src/platform/shutdown.ts";
import { INGRESS, LOGIN, NODE, OUTSIDE, POD_RANGE, SERVICE_RANGE, withPrefix } from "./address.ts";
import { processesOf, removeCgroup } from "./cgroup.ts";

const SCRIPT = join(import.meta.dirname, "../node.sh");
const POLL_MS = 20;
const END_TIMEOUT_MS = 10_000;

/** The kernel offers an IPv6 address only after a second in which no other machine has claimed it. This link has no other machine. */
const NO_DUPLICATE_CHECK = "/proc/sys/net/ipv6/conf/default/accept_dad";

/** A node: a process tree with its own network, mounts and PIDs. Its disk is `folder/disk`, so it continues after a restart. */
export interface KubernetesNode {
  start(): Promise<void>;
  /** Ends all processes of the node at once, like a power cut. */
  cutPower(): Promise<void>;
  /** Ends a program of the node, and keeps it stopped until `resume`. */
  hold(program: string): void;
  resume(program: string): void;
  /** PIDs of the node's processes, also in containers, whose command line contains the text. */
  pids(text: string): number[];
  /** As `pids`, for one Pod. */
  podProcesses(uid: string, text: string): number[];
  close(): Promise<void>;
}

export function createNode(folder: string, assets: string, cgroup: string): KubernetesNode {
  let child: ChildProcess | undefined;

  async function start(): Promise<void> {
    const log = openSync(join(folder, "log/node.log"), "a");
    child = spawn(
      "unshare",
      [
        ...["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"],
        ...["bash", SCRIPT, folder, assets, cgroup],
      ],
      {
        stdio: ["ignore", log, log],
        env: {
          ...process.env,
          INTERFACE_ADDRESSES: NODE.all.map(withPrefix).join(" "),
          GATEWAYS: OUTSIDE.all.join(" "),
          NODE_IPS: NODE.all.join(","),
          ADVERTISED_ADDRESS: NODE.first,
          SERVICE_RANGES: SERVICE_RANGE.all.join(","),
        },
      },
    );
    closeSync(log);
    const first = await childOf(child.pid as number);
    if (existsSync(NO_DUPLICATE_CHECK)) writeFileSync(NO_DUPLICATE_CHECK, "0");
    const ip = (...args: string[]) => execFileSync("ip", args);
    ip("link", "add", "node0", "type", "veth", "peer", "name", "eth0", "netns", first);
    for (const { all } of [OUTSIDE, INGRESS, LOGIN])
      for (const address of all) ip("address", "add", withPrefix(address), "dev", "node0");
    ip("link", "set", "node0", "up");
    for (const { all } of [POD_RANGE, SERVICE_RANGE])
      for (const [index, range] of all.entries()) ip("route", "add", range, "via", NODE.all[index] as string);
  }

  async function cutPower(): Promise<void> {
    if (child === undefined) return;
    const ended = once(child, "exit");
    // `--kill-child` ends the first process with this one, and the kernel then ends all others.
    child.kill("SIGKILL");
    await ended;
    child = undefined;
    const deadline = performance.now() + END_TIMEOUT_MS;
    while (processesOf(cgroup).length > 0) {
      if (performance.now() > deadline)
        throw new Error(`the node did not end: ${processesOf(cgroup).map(commandLineOf).join("; ")}`);
      await sleep(POLL_MS);
    }
    // Remaining cgroups would cost kubelet 3 s for each container at the next start.
    removeCgroup(cgroup);
    // The kernel removes the veth pair with the node's network, but that may take a minute.
    spawnSync("ip", ["link", "delete", "node0"]);
  }

  const having = (pids: number[], text: string) => pids.filter((pid) => commandLineOf(pid).includes(text));
  const pids = (text: string) => having(processesOf(cgroup), text);

  return {
    start,
    cutPower,
    pids,
    podProcesses: (uid, text) => having(processesOf(cgroup, `pod${uid}`), text),
    hold(program) {
      writeFileSync(join(folder, "hold", program), "");
      for (const pid of pids(join(assets, program))) process.kill(pid, "SIGKILL");
    },
    resume: (program) => rmSync(join(folder, "hold", program)),
    close: cutPower,
  };
}

/** The PID of the node's first process, which `unshare` forks into its new namespaces. */
async function childOf(pid: number): Promise<string> {
  for (;;) {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    if (child) return child;
    await sleep(POLL_MS);
  }
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // The process has ended.
    return "";
  }
}
