import { gzipSync } from "node:zlib";
import { canonicalJson, sha256Digest } from "../platform/canonical-json.ts";
import { tarArchive } from "../platform/tar.ts";

/** Registry host of the images in docs/examples. `registryMirrors` maps it to the playground's own registry. */
export const PLAYGROUND_REGISTRY = "registry.catalyst.example";

/** An OCI artifact: a manifest, and the blobs that it names, by digest. */
export interface Artifact {
  /** `catalyst`, `blueprints/shop`: the repository without its host. */
  repository: string;
  mediaType: string;
  manifest: string;
  /** `sha256:…` of the manifest. */
  digest: string;
  blobs: ReadonlyMap<string, Uint8Array>;
}

const IMAGE_MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/**
 * The image of this program, as the playground's registry serves it. The process runner runs it from this checkout, so the
 * layer holds only a note. The digest therefore stays the same when the source changes.
 */
export function catalystImage(): Artifact {
  const layer = tarOf(
    "catalyst/README",
    "The playground's process runner runs this image from the checkout it belongs to.\n",
  );
  const compressed = gzipSync(layer);
  // Byte 9 of gzip names the operating system. 255 (unknown) makes the bytes the same on every machine.
  compressed[9] = 255;
  const config = canonicalJson({
    architecture: "amd64",
    os: "linux",
    config: { Entrypoint: ["catalyst"], User: "65532:65532" },
    rootfs: { type: "layers", diff_ids: [sha256Digest(layer)] },
  });
  return artifactOf("catalyst", {
    configType: "application/vnd.oci.image.config.v1+json",
    config,
    layerType: "application/vnd.oci.image.layer.v1.tar+gzip",
    layer: compressed,
  });
}

/** A Blueprint's artifact: one layer with its `blueprint.yaml`. */
export function blueprintArtifact(name: string, version: string): Artifact {
  return artifactOf(`blueprints/${name}`, {
    configType: "application/vnd.catalyst.blueprint.config.v1+json",
    config: canonicalJson({ name, version }),
    layerType: "application/vnd.catalyst.blueprint.v1.tar",
    layer: tarOf(`${name}/blueprint.yaml`, `name: ${name}\nversion: ${version}\n`),
  });
}

export function imageReference({ repository, digest }: Pick<Artifact, "repository" | "digest">): string {
  return `${PLAYGROUND_REGISTRY}/${repository}@${digest}`;
}

interface Parts {
  configType: string;
  config: string;
  layerType: string;
  layer: Uint8Array;
}

function artifactOf(repository: string, { configType, config, layerType, layer }: Parts): Artifact {
  const configBytes = Buffer.from(config);
  const descriptor = (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: sha256Digest(bytes),
    size: bytes.length,
  });
  const manifest = canonicalJson({
    schemaVersion: 2,
    mediaType: IMAGE_MANIFEST,
    config: descriptor(configType, configBytes),
    layers: [descriptor(layerType, layer)],
  });
  return {
    repository,
    mediaType: IMAGE_MANIFEST,
    manifest,
    digest: sha256Digest(manifest),
    blobs: new Map([configBytes, layer].map((bytes) => [sha256Digest(bytes), bytes])),
  };
}

/** A tar archive of one file. Its digest depends on the content alone. */
const tarOf = (path: string, content: string): Uint8Array =>
  tarArchive([{ path, content }], { mode: 0o644, modifiedAt: new Date(0) });
