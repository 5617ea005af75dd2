import { type Artifact, blueprintArtifact } from "../../../src/playground/image.ts";

/** Registry host of the images that reviews name. The operator reads it from the bench's own registry. */
export const BENCH_REGISTRY = "registry.bench";

/** One of the artifacts that the bench's registry serves with a signature. Every process makes the same bytes. */
export const artifactOf = (index: number): Artifact => blueprintArtifact(`bench-${index}`, "1.0.0");

/** The reference by which a Pod names it. */
export function imageOf(index: number): string {
  const { repository, digest } = artifactOf(index);
  return `${BENCH_REGISTRY}/${repository}@${digest}`;
}
