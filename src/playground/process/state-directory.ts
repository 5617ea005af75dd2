import { mkdirSync, readdirSync, rmdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorMessage, UsageError } from "../../platform/errors.ts";
import { lockHolder, takeProcessLock } from "./process-lock.ts";
import {
  createDirectories,
  createStateManifest,
  STATE_MANIFEST,
  writeFirstManifest,
} from "./state-manifest.ts";

export interface StateFolder {
  path: string;
  /** A path in the folder. */
  file(first: string, ...names: string[]): string;
}

export interface StateDirectory extends StateFolder {
  /** A path in the directory. Its first part is recorded in the manifest, so `release(true)` removes it in this run or a later one. */
  file(first: string, ...names: string[]): string;
  /** Releases the directory. With `remove`, removes the recorded entries, and the directory itself if we created it. */
  release(remove: boolean): void;
}

const LOCK = "playground.pid";

/**
 * Claims the directory for this process. It may be missing, empty, or left behind by an earlier playground. Throws a
 * `UsageError` when it holds other files or when a running playground uses it.
 */
export function claimStateDirectory(directory: string): StateDirectory {
  const path = resolve(directory);
  const lock = join(path, LOCK);
  try {
    markDirectory(path, lock);
    const holder = takeProcessLock(lock);
    if (holder !== undefined) throw inUse(path, holder);
    return createStateDirectory(path, lock);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `the state directory ${path} cannot be written: ${errorMessage(error)}; choose another one with --state-dir`,
    );
  }
}

/** A folder of the state directory, which goes with the directory. */
export function folderOf(state: StateDirectory, name: string): StateFolder {
  const path = state.file(name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return { path, file: (first, ...names) => join(path, first, ...names) };
}

function markDirectory(path: string, lock: string): void {
  const created = createDirectories(path);
  const entries = readdirSync(path).sort();
  if (entries.includes(STATE_MANIFEST)) return;
  if (entries.length > 0) {
    const holder = lockHolder(lock);
    if (holder !== undefined) throw inUse(path, holder);
    throw new UsageError(
      `the state directory ${path} contains files that are not a playground's (${entries[0]}): choose an empty or a new one with --state-dir`,
    );
  }
  writeFirstManifest(path, created);
}

const inUse = (path: string, holder: number) =>
  new UsageError(
    `another playground (process ${holder}) uses ${path}: stop it, or choose another directory with --state-dir`,
  );

function createStateDirectory(path: string, lock: string): StateDirectory {
  const manifest = createStateManifest(path);
  return {
    path,
    file(first, ...names) {
      manifest.add(first);
      return join(path, first, ...names);
    },
    release(remove) {
      if (remove) {
        for (const entry of manifest.entries()) rmSync(join(path, entry), { recursive: true, force: true });
        manifest.remove();
        // Lock files of processes that were killed while they tried to claim the directory.
        for (const entry of readdirSync(path))
          if (entry.startsWith(`${LOCK}.`)) rmSync(join(path, entry), { force: true });
      }
      // The lock goes last, so that no other playground starts in a directory that is being emptied.
      rmSync(lock, { force: true });
      if (remove) manifest.directories().reverse().every(removeIfEmpty);
    },
  };
}

/** Returns false when the directory is not empty. The directory and its parents then stay. */
function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
