#!/usr/bin/env bash
# Builds the images of the node tier, each once for its content: the product's from the unmodified Dockerfile, in two revisions, and
# those of the node itself.
# Usage: build-images.sh FOLDER     FOLDER has the test tools; FOLDER/image keeps buildah's storage
set -euo pipefail
assets=$(cd "${1:?usage: build-images.sh FOLDER}" && pwd)
cd "$(dirname "$0")/../.."
for revision in 1 2; do
  bash test/support/image/build.sh "$assets/image" "localhost/catalyst:$revision" --layers --build-arg "REVISION=$revision"
done

export CONTAINERS_REGISTRIES_CONF=$assets/image/registries.conf CONTAINERS_STORAGE_CONF=$assets/image/storage.conf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# scratch NAME FILE ENTRYPOINT: an image of one static program. busybox needs its name.
scratch() {
  local name=$1 file=$2 entrypoint=$3
  mkdir "$work/$name"
  cp "$file" "$work/$name/"
  printf 'FROM scratch\nCOPY %s /\nENTRYPOINT %s\n' "$(basename "$file")" "$entrypoint" >"$work/$name/Dockerfile"
  buildah build --isolation chroot --timestamp 0 --layers --quiet -t "localhost/$name:1" "$work/$name"
}

scratch pause "$(command -v busybox)" '["/busybox", "sleep", "infinity"]'
scratch coredns "$assets/coredns" '["/coredns"]'
