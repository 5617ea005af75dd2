import type { Blueprint } from "../../api/blueprint.ts";
import { blueprintArtifact, imageReference } from "../image.ts";
import type { Registry } from "../registry/server.ts";
import { signArtifact, signatureTag } from "../registry/signature.ts";
import type { Example } from "./example.ts";

/** Pushes the artifacts that the examples name. Signs those of the files `*-signed.yaml` with the demonstration key. */
export function publishArtifacts(
  registry: Registry,
  examples: readonly Example[],
  signingKeyPem: string,
): void {
  for (const { file, manifest } of examples) {
    if (manifest.kind !== "Blueprint") continue;
    const { version } = (manifest as Blueprint).spec;
    const artifact = blueprintArtifact(manifest.metadata.name, version);
    registry.push(artifact, version);
    if (file.endsWith("-signed.yaml")) {
      const signature = signArtifact(artifact, imageReference(artifact), signingKeyPem);
      registry.push(signature, signatureTag(artifact.digest));
    }
  }
}
