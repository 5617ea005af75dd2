import { readdirSync, readFileSync } from "node:fs";

// What /proc counts in, on every Linux.
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  pid: number;
  parentPid: number;
  /** User and system time, in seconds. */
  own: number;
  /** The same of children that have ended and were waited for. */
  endedChildren: number;
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // Behind the command's name, which may hold anything: state, ppid, … utime, stime, cutime, cstime.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  return {
    pid,
    parentPid: fields[1] ?? 0,
    own: (utime + stime) / TICKS_PER_SECOND,
    endedChildren: (cutime + cstime) / TICKS_PER_SECOND,
  };
}

/** Processor time that a process has used since it began, in seconds. */
export function cpuSeconds(pid: number): number {
  return readStat(pid)?.own ?? Number.NaN;
}

/** The same of a process and all its children, whether they live or have ended. */
export function familyCpuSeconds(pid: number): number {
  const parent = readStat(pid);
  if (parent === undefined) return Number.NaN;
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat?.parentPid === pid);
  return parent.own + parent.endedChildren + children.reduce((sum, child) => sum + (child?.own ?? 0), 0);
}

/** Proportional set size in MiB: memory shared with other processes counts by its share. */
export const memoryMib = (pid: number) => readRollup(pid, "Pss");
/** Resident set size in MiB: memory shared with other processes counts in full. */
export const residentMib = (pid: number) => readRollup(pid, "Rss");

function readRollup(pid: number, member: "Pss" | "Rss"): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(new RegExp(`^${member}: +(\\d+) kB$`, "m").exec(rollup)?.[1] ?? Number.NaN) / 1024;
}
