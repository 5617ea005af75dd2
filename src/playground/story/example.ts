import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../api/object.ts";
import { UsageError } from "../../platform/errors.ts";

/** One manifest of docs/examples. */
export interface Example {
  /** Name of its file, without the folder. */
  file: string;
  manifest: KubernetesObject;
}

/** Parses a manifest file, which may hold several YAML documents. */
export function parseManifests(path: string): Example[] {
  const file = basename(path);
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => {
    const fault = document.errors[0];
    if (fault !== undefined) throw new UsageError(`${path}: not valid YAML: ${fault.message.split("\n")[0]}`);
    const manifest: unknown = document.toJS();
    if (manifest === null) return [];
    if (!isManifest(manifest))
      throw new UsageError(`${path}: a manifest must have apiVersion, kind and metadata.name`);
    return [{ file, manifest }];
  });
}

function isManifest(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<KubernetesObject>;
  return typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string";
}
