import type { BillingRelease } from "../../api/billing-release.ts";
import { toCustomResourceDefinition } from "../../api/crd.ts";
import { KINDS } from "../../api/registry.ts";
import { trustProblems } from "../../operator/trust-config-map.ts";
import { errorMessage, UsageError } from "../../platform/errors.ts";
import { createManifestChecker } from "../../playground/apiserver/index.ts";
import { catalystImage, imageReference } from "../../playground/image.ts";
import type { Example } from "../../playground/story/example.ts";
import { readExamples } from "../../playground/story/example-folder.ts";

/** Reads the manifests of the story and looks at all that can be wrong with them before anything starts. */
export function readExamplesOrRefuse(folder: string, franchisee: string): Example[] {
  const judge = createManifestChecker(KINDS.map(toCustomResourceDefinition));
  try {
    return readExamples(folder, (manifest) => [...judge(manifest), ...trustProblems(manifest)], {
      images: [imageReference(catalystImage())],
      franchisee,
    });
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${folder}: ${errorMessage(error)}`);
  }
}

/** The image that runs everything here: the one that the release names, which reading made sure is on this machine. */
export function operatorImage(examples: readonly Example[]): string {
  const release = examples.find(({ manifest }) => manifest.kind === "BillingRelease")?.manifest;
  if (release === undefined) throw new Error("the examples have no BillingRelease");
  return (release as BillingRelease).spec.image;
}
