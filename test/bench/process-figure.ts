import { readdirSync, readFileSync } from "node:fs";

// Clock ticks per second in /proc, the same on every Linux.
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  pid: number;
  parentPid: number;
  /** User and system time, in seconds. */
  own: number;
  /** User and system time of children that ended and were waited for. */
  endedChildren: number;
}

function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The fields after the command's name, which may contain any characters: state, ppid, … utime, stime, cutime, cstime.
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

/** Processor time of a process since its start, in seconds. */
export function cpuSeconds(pid: number): number {
  return readStat(pid)?.own ?? Number.NaN;
}

/** Processor time of a process and all its children, running or ended, in seconds. */
export function familyCpuSeconds(pid: number): number {
  const parent = readStat(pid);
  if (parent === undefined) return Number.NaN;
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readStat(Number(name)))
    .filter((stat) => stat?.parentPid === pid);
  return parent.own + parent.endedChildren + children.reduce((sum, child) => sum + (child?.own ?? 0), 0);
}

/** Proportional set size in MiB: shared memory counts by the process's share. */
export const memoryMib = (pid: number) => readKib(`/proc/${pid}/smaps_rollup`, "Pss") / 1024;
/** Resident set size in MiB: shared memory counts in full. */
export const residentMib = (pid: number) => readKib(`/proc/${pid}/smaps_rollup`, "Rss") / 1024;

/** The largest resident set size so far, in MiB. */
export const peakResidentMib = (pid: number) => readKib(`/proc/${pid}/status`, "VmHWM") / 1024;

function readKib(file: string, member: string): number {
  return Number(
    new RegExp(`^${member}:\\s+(\\d+) kB$`, "m").exec(readFileSync(file, "utf8"))?.[1] ?? Number.NaN,
  );
}
