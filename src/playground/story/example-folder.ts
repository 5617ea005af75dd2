import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../../platform/errors.ts";
import type { ManifestChecker } from "../apiserver/index.ts";
import { type Example, parseManifests } from "./example.ts";
import { type ExampleFacts, exampleSetProblems } from "./example-set.ts";

/**
 * Reads every `*.yaml` of a folder in the order of the file names. Throws a `UsageError` with one line for each problem, by
 * file, manifest and field, so that nothing starts on manifests that cannot work.
 */
export function readExamples(folder: string, check: ManifestChecker, facts: ExampleFacts): Example[] {
  const examples = readdirSync(folder)
    .filter((name) => name.endsWith(".yaml"))
    .sort()
    .flatMap((file) => parseManifests(join(folder, file)));
  const problemLine = ({ file, manifest }: Example, message: string) =>
    `${join(folder, file)}: ${manifest.kind} ${manifest.metadata.name}: ${message}`;
  const malformed = examples.flatMap((example) =>
    check(example.manifest).map((problem) => problemLine(example, problem)),
  );
  // The checks across manifests read fields, so they run only when every manifest has the right form.
  const problems =
    malformed.length > 0
      ? malformed
      : exampleSetProblems(examples, facts).map(({ example, message }) =>
          example === undefined ? `${folder}: ${message}` : problemLine(example, message),
        );
  if (problems.length > 0) throw new UsageError(problems.join("\n"));
  return examples;
}
