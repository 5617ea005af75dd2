import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = "/sys/fs/cgroup";
const MAX_TRIES = 50;

/** PIDs of all processes in a cgroup and below it. With `within`, only those in a folder of this name. */
export function processesOf(cgroup: string, within = ""): number[] {
  return foldersBelow(join(ROOT, "pids", cgroup))
    .filter((folder) => within === "" || folder.split("/").includes(within))
    .flatMap((folder) =>
      readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number),
    );
}

/** Limits the memory of a process's container to its present usage. */
export function limitMemoryToUsage(pid: number): void {
  const path = /^\d+:memory:(.+)$/m.exec(readFileSync(`/proc/${pid}/cgroup`, "utf8"))?.[1] ?? "";
  const folder = join(ROOT, "memory", path);
  for (let tries = 1; ; tries++) {
    const usage = readFileSync(join(folder, "memory.usage_in_bytes"), "utf8");
    try {
      writeFileSync(join(folder, "memory.limit_in_bytes"), usage);
      return;
    } catch (error) {
      // The usage may grow between the read and the write. The kernel then refuses the limit.
      if ((error as NodeJS.ErrnoException).code !== "EBUSY" || tries === MAX_TRIES) throw error;
    }
  }
}

/** Removes a cgroup without processes from every hierarchy. */
export function removeCgroup(cgroup: string): void {
  for (const hierarchy of readdirSync(ROOT)) {
    // The deepest folder comes first.
    for (const folder of foldersBelow(join(ROOT, hierarchy, cgroup)).reverse()) rmdirSync(folder);
  }
}

/** A folder and all folders below it, parents first. */
function foldersBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [folder, ...below.flatMap(({ name }) => foldersBelow(join(folder, name)))];
}
