import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { KubernetesObject } from "../../api/object.ts";
import type { Informer } from "../../kube/informer.ts";
import { keyOf } from "../../kube/resource.ts";
import { ContainerConfigError } from "./environment.ts";
import type { Pod, Volume } from "./pod.ts";

export type DataObject = KubernetesObject & { data?: Record<string, string> };

/** Finds a ConfigMap or Secret in the Pod's namespace. */
export type FindData = (kind: "ConfigMap" | "Secret", name: string) => DataObject | undefined;

export interface DataCaches {
  configMaps: Informer<DataObject>;
  secrets: Informer<DataObject>;
}

export function createDataFinder(
  { configMaps, secrets }: DataCaches,
  namespace: string | undefined,
): FindData {
  return (kind, name) =>
    (kind === "Secret" ? secrets : configMaps).get(
      keyOf({ name, ...(namespace === undefined ? {} : { namespace }) }),
    );
}

/** Writes a Pod's volumes below `folder` and returns the folder of each. Call it again when their data change. */
export function writeVolumes(pod: Pod, folder: string, find: FindData): Map<string, string> {
  return new Map(
    (pod.spec.volumes ?? []).map((volume) => [
      volume.name,
      writeVolume(volume, join(folder, volume.name), find),
    ]),
  );
}

function writeVolume(volume: Volume, path: string, find: FindData): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(contentOf(volume, find))) {
    // The rename is atomic: a reader gets the old file or the new one, never a part of it.
    const partial = join(path, `.${name}.partial`);
    writeFileSync(partial, content, { mode: 0o600 });
    renameSync(partial, join(path, name));
  }
  return path;
}

function contentOf(
  { name, configMap, secret, emptyDir }: Volume,
  find: FindData,
): Record<string, Uint8Array> {
  if (emptyDir !== undefined) return {};
  const [kind, source] =
    configMap === undefined
      ? (["Secret", secret?.secretName] as const)
      : (["ConfigMap", configMap.name] as const);
  if (source === undefined)
    throw new ContainerConfigError(
      `volume ${name}: the playground supports configMap, secret and emptyDir volumes only`,
    );
  const object = find(kind, source);
  if (object === undefined) throw new ContainerConfigError(`volume ${name}: ${kind} "${source}" not found`);
  return Object.fromEntries(
    Object.entries(object.data ?? {}).map(([key, value]) => [
      key,
      Buffer.from(value, kind === "Secret" ? "base64" : "utf8"),
    ]),
  );
}

/** Whether a Pod mounts this object. */
export function mounts(pod: Pod, kind: string, name: string): boolean {
  return (pod.spec.volumes ?? []).some(
    (volume) => (kind === "Secret" ? volume.secret?.secretName : volume.configMap?.name) === name,
  );
}
