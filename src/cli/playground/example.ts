import type { BillingRelease } from "../../api/billing-release.ts";
import { toCustomResourceDefinition } from "../../api/crd.ts";
import { KINDS } from "../../api/kind-list.ts";
import { trustProblems } from "../../operator/trust-config-map.ts";
import { errorMessage, UsageError } from "../../platform/errors.ts";
import { createManifestChecker } from "../../playground/apiserver/index.ts";
import { catalystImage, imageReference } from "../../playground/image.ts";
import type { Example } from "../../playground/story/example.ts";
import { readExamples } from "../../playground/story/example-folder.ts";

/** Reads the manifests of the story and checks them before anything starts. Throws a `UsageError` with all problems. */
export function readExamplesOrRefuse(folder: string, franchisee: string): Example[] {
  const check = createManifestChecker(KINDS.map(toCustomResourceDefinition));
  try {
    return readExamples(folder, (manifest) => [...check(manifest), ...trustProblems(manifest)], {
      images: [imageReference(catalystImage())],
      franchisee,
    });
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${folder}: ${errorMessage(error)}`);
  }
}

/**
 * The image of the BillingRelease, which runs the operator and billing. `readExamplesOrRefuse` has checked that this
 * machine has it.
 */
export function operatorImage(examples: readonly Example[]): string {
  const release = examples.find(({ manifest }) => manifest.kind === "BillingRelease")?.manifest;
  if (release === undefined) throw new Error("the examples have no BillingRelease");
  return (release as BillingRelease).spec.image;
}
