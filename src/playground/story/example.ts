import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../api/object.ts";
import { manifestProblems } from "../../api/validation.ts";
import { UsageError } from "../../platform/errors.ts";

/** One manifest of docs/examples. */
export interface Example {
  /** File it stands in, without the folder. */
  file: string;
  manifest: KubernetesObject;
}

/**
 * Reads every `*.yaml` of a folder in the order of its names; a file may hold several documents.
 * Throws a `UsageError` that names file, line and fault.
 */
export function readExamples(folder: string): Example[] {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort();
  return files.flatMap((file) => parseExample(join(folder, file)));
}

export function parseExample(path: string): Example[] {
  const file = basename(path);
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => {
    const fault = document.errors[0];
    if (fault !== undefined) throw new UsageError(`${path}: not YAML: ${fault.message.split("\n")[0]}`);
    const manifest: unknown = document.toJS();
    if (manifest === null) return [];
    if (!isManifest(manifest)) {
      throw new UsageError(`${path}: a manifest needs apiVersion, kind and metadata.name`);
    }
    const [problem] = manifestProblems(manifest);
    if (problem !== undefined)
      throw new UsageError(
        `${path}: ${manifest.kind} ${manifest.metadata.name}: ${problem.path} ${problem.message}`,
      );
    return [{ file, manifest }];
  });
}

function isManifest(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<KubernetesObject>;
  return typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string";
}
