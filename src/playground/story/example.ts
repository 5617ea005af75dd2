import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubernetesObject } from "../../api/object.ts";
import { UsageError } from "../../platform/errors.ts";
import type { ManifestChecker } from "../apiserver/index.ts";
import { type ExampleFacts, exampleSetProblems } from "./example-set.ts";

/** One manifest of docs/examples. */
export interface Example {
  /** File it stands in, without the folder. */
  file: string;
  manifest: KubernetesObject;
}

/**
 * Reads every `*.yaml` of a folder in the order of its names; a file may hold several documents. Throws a `UsageError`
 * with one line for each fault, by file, manifest and field: nothing may start on manifests that cannot work.
 */
export function readExamples(folder: string, check: ManifestChecker, facts: ExampleFacts): Example[] {
  const examples = readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((file) => parseManifests(join(folder, file)));
  const titled = ({ file, manifest }: Example, message: string) =>
    `${join(folder, file)}: ${manifest.kind} ${manifest.metadata.name}: ${message}`;
  const malformed = examples.flatMap((example) =>
    check(example.manifest).map((problem) => titled(example, problem)),
  );
  // What a manifest refers to is looked at where its form can be relied on.
  const problems =
    malformed.length > 0
      ? malformed
      : exampleSetProblems(examples, facts).map(({ example, message }) =>
          example === undefined ? `${folder}: ${message}` : titled(example, message),
        );
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return examples;
}

export function parseManifests(path: string): Example[] {
  const file = basename(path);
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => {
    const fault = document.errors[0];
    if (fault !== undefined) throw new UsageError(`${path}: not YAML: ${fault.message.split("\n")[0]}`);
    const manifest: unknown = document.toJS();
    if (manifest === null) return [];
    if (!isManifest(manifest)) {
      throw new UsageError(`${path}: a manifest needs apiVersion, kind and metadata.name`);
    }
    return [{ file, manifest }];
  });
}

function isManifest(value: unknown): value is KubernetesObject {
  const { apiVersion, kind, metadata } = (value ?? {}) as Partial<KubernetesObject>;
  return typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string";
}
