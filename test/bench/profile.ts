import { openInspector } from "./inspector.ts";
import { textTable } from "./text-table.ts";

/** A function or package, and its share of the time. The largest come first. */
export interface ProfileLine {
  name: string;
  /** The share of the time in which the process was not idle, from 0 to 1. */
  share: number;
}

export interface CpuProfile {
  nodes: {
    id: number;
    callFrame: { functionName: string; url: string; lineNumber: number };
    children?: number[];
  }[];
  samples: number[];
  timeDeltas: number[];
}

const IDLE = new Set(["(idle)", "(root)"]);
const SAMPLE_US = 500;
/** A longer time between two samples means that the process did not run. Its function did not take that time. */
const LONGEST_SAMPLE_US = 20 * SAMPLE_US;

/** Profiles a process whose inspector is open during `run`, so that its start is not included. */
export async function recordCpuProfile(
  inspectorUrl: string,
  run: () => Promise<unknown>,
): Promise<CpuProfile> {
  const { ask, close } = await openInspector(inspectorUrl);
  try {
    await ask("Profiler.enable");
    await ask("Profiler.setSamplingInterval", { interval: SAMPLE_US });
    await ask("Profiler.start");
    await run();
    return (await ask<{ profile: CpuProfile }>("Profiler.stop")).profile;
  } finally {
    close();
  }
}

/** Self time by function, and by package. */
export function readCpuProfile(profile: CpuProfile): {
  functions: ProfileLine[];
  packages: ProfileLine[];
  /** The share of the time in which the process was not idle, from 0 to 1. */
  busyShare: number;
} {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map(
    profile.nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  );
  const functions = new Map<string, number>();
  const packages = new Map<string, number>();
  let busy = 0;
  let total = 0;
  for (const [index, id] of profile.samples.entries()) {
    const node = nodes.get(id);
    const spent = Math.min(profile.timeDeltas[index] ?? 0, LONGEST_SAMPLE_US);
    total += spent;
    if (node === undefined || IDLE.has(node.callFrame.functionName)) continue;
    busy += spent;
    const { functionName, url, lineNumber } = node.callFrame;
    const at = url === "" ? "" : ` ${shortUrl(url)}:${lineNumber + 1}`;
    add(functions, `${functionName || "(anonymous)"}${at}`, spent);
    add(packages, ownerOf(id), spent);
  }

  /** The time of Node's own code counts for the package that called it. */
  function ownerOf(id: number): string {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame === undefined) break;
      if (["(garbage collector)", "(program)"].includes(frame.functionName)) return frame.functionName;
      const name = packageOf(frame.url);
      if (name !== undefined) return name;
    }
    return "node";
  }
  const linesOf = (spent: Map<string, number>): ProfileLine[] =>
    [...spent].map(([name, time]) => ({ name, share: time / busy })).sort((a, b) => b.share - a.share);
  return { functions: linesOf(functions), packages: linesOf(packages), busyShare: busy / total };
}

function add(spent: Map<string, number>, name: string, time: number): void {
  spent.set(name, (spent.get(name) ?? 0) + time);
}

const shortUrl = (url: string) =>
  url.replace(/^file:\/\/.*\/(node_modules|src)\//, "$1/").replace(/^node_modules\//, "");

function packageOf(url: string): string | undefined {
  const dependency = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  return /\/(src\/[\w-]+\/(?:[\w-]+\/)*[\w.-]+)$/.exec(url)?.[1];
}

export const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export const profileTable = (title: string, lines: readonly ProfileLine[]): string =>
  textTable([[title, ""], ...lines.map(({ name, share }) => [`  ${name}`, percent(share)])]);
