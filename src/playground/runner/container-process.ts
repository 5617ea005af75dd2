import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild } from "../process/child.ts";
import type { Watchdog } from "../process/watchdog.ts";
import { expandVariables, type References, resolveEnvironment, translatePath } from "./environment.ts";
import type { Container, Pod } from "./pod.ts";
import { type FindData, writeVolumes } from "./volume.ts";

/** The command that runs in place of an image on this machine. */
export type Entrypoint = [command: string, ...args: string[]];

export interface ContainerProcessDeps {
  findData: FindData;
  /** Variables that every process needs on this machine, PATH above all. */
  baseEnv: Record<string, string>;
  /** Folder for this Pod's volumes and files. */
  folder: string;
  logFile: string;
  watchdog: Watchdog;
  /** Writes the ServiceAccount's kubeconfig and returns its path; undefined when the Pod gets no token. */
  kubeconfig(): Promise<string | undefined>;
}

interface ContainerStart {
  pod: Pod;
  container: Container;
  address: string;
  entrypoint: Entrypoint;
  messageFile: string;
}

/** Writes the Pod's volumes and starts the container's process. Throws a `ContainerConfigError` when a reference is missing. */
export async function startContainerProcess(
  { pod, container, address, entrypoint, messageFile }: ContainerStart,
  deps: ContainerProcessDeps,
): Promise<Child> {
  const folders = writeVolumes(pod, join(deps.folder, "volumes"), deps.findData);
  mkdirSync(deps.folder, { recursive: true, mode: 0o700 });
  rmSync(messageFile, { force: true });
  const mountPoints = new Map(
    (container.volumeMounts ?? []).map(({ name, mountPath }) => [mountPath, folders.get(name) ?? ""]),
  );
  mountPoints.set(container.terminationMessagePath ?? "/dev/termination-log", messageFile);
  const env = resolveEnvironment(pod, container.env ?? [], address, referencesIn(deps.findData));
  const kubeconfig = await deps.kubeconfig();
  return startChild({
    argv: commandLine(container, entrypoint, env, mountPoints),
    env: {
      ...deps.baseEnv,
      // All processes share one network here. HOST names the Pod's address, to which a network namespace would bind it.
      HOST: address,
      ...(kubeconfig === undefined ? {} : { KUBECONFIG: kubeconfig }),
      ...Object.fromEntries(
        Object.entries(env).map(([name, value]) => [name, translatePath(value, mountPoints)]),
      ),
    },
    logFile: deps.logFile,
    watchdog: deps.watchdog,
  });
}

function referencesIn(find: FindData): References {
  return {
    secret: (name, key) => {
      const value = find("Secret", name)?.data?.[key];
      return value === undefined ? undefined : Buffer.from(value, "base64").toString();
    },
    configMap: (name, key) => find("ConfigMap", name)?.data?.[key],
  };
}

/** A container's `command` replaces the image's command but keeps this machine's program for it. */
function commandLine(
  { command, args = [] }: Container,
  entrypoint: Entrypoint,
  env: Record<string, string>,
  mountPoints: ReadonlyMap<string, string>,
): Entrypoint {
  const [program, ...rest] = command === undefined ? entrypoint : [...entrypoint, ...command.slice(1)];
  return [program, ...rest, ...args.map((arg) => translatePath(expandVariables(arg, env), mountPoints))];
}
