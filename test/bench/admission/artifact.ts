import { type Artifact, blueprintArtifact } from "../../../src/playground/image.ts";

/** Registry host of the images in the reviews. The operator reads it from the bench's own registry. */
export const BENCH_REGISTRY = "registry.bench";

/** An artifact that the bench's registry serves with a signature. Every process creates the same bytes. */
export const artifactOf = (index: number): Artifact => blueprintArtifact(`bench-${index}`, "1.0.0");

/** The image reference in a Pod. */
export function imageOf(index: number): string {
  const { repository, digest } = artifactOf(index);
  return `${BENCH_REGISTRY}/${repository}@${digest}`;
}
