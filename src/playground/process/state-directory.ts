import { readdirSync, rmdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { errorMessage, UsageError } from "../../platform/errors.ts";
import { lockHolder, takeProcessLock } from "./process-lock.ts";
import {
  createStateManifest,
  makeDirectories,
  STATE_MANIFEST,
  writeFirstManifest,
} from "./state-manifest.ts";

export interface StateDirectory {
  path: string;
  /** A path in the directory; its first part counts as ours from now on, also for whoever takes over after us. */
  file(first: string, ...names: string[]): string;
  /** Gives the directory free; with `remove`, takes away what is ours, and the directory itself where we made it. */
  release(remove: boolean): void;
}

const LOCK = "playground.pid";

/**
 * Takes the directory for this process alone: one that is not there yet, an empty one, or one that a playground marked
 * as its own and left behind. A directory of somebody else's, and one that a running playground holds, is a `UsageError`.
 */
export function claimStateDirectory(directory: string): StateDirectory {
  const path = resolve(directory);
  const lock = join(path, LOCK);
  try {
    markAsOurs(path, lock);
    const holder = takeProcessLock(lock);
    if (holder !== undefined) throw inUse(path, holder);
    return held(path, lock);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `the state directory ${path} cannot be written: ${errorMessage(error)}; choose another with --state-dir`,
    );
  }
}

function markAsOurs(path: string, lock: string): void {
  const made = makeDirectories(path);
  const entries = readdirSync(path).sort();
  if (entries.includes(STATE_MANIFEST)) return;
  if (entries.length > 0) {
    const holder = lockHolder(lock);
    if (holder !== undefined) throw inUse(path, holder);
    throw new UsageError(
      `the state directory ${path} is no playground's (it holds ${entries[0]}): choose an empty or a new one with --state-dir`,
    );
  }
  writeFirstManifest(path, made);
}

const inUse = (path: string, holder: number) =>
  new UsageError(
    `a playground (process ${holder}) is using ${path}: stop it, or choose another directory with --state-dir`,
  );

function held(path: string, lock: string): StateDirectory {
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
        // What others left who were killed while they came in.
        for (const entry of readdirSync(path))
          if (entry.startsWith(`${LOCK}.`)) rmSync(join(path, entry), { force: true });
      }
      // Last: until then nobody else may come in.
      rmSync(lock, { force: true });
      if (remove) manifest.directories().reverse().every(removeIfEmpty);
    },
  };
}

/** A directory that somebody has put something into stays, and so do those around it. */
function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}
