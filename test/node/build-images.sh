#!/usr/bin/env bash
# Builds the images of the node tier while there is a network: the layers from which docs/quickstart.md builds the product's image
# again, and archives of the node's own images.
# Usage: build-images.sh FOLDER     FOLDER has the test tools; FOLDER/image keeps buildah's storage and, in node, the archives
set -euo pipefail
assets=$(cd "${1:?usage: build-images.sh FOLDER}" && pwd)
cd "$(dirname "$0")/../.."
export CONTAINERS_REGISTRIES_CONF=$assets/image/registries.conf CONTAINERS_STORAGE_CONF=$assets/image/storage.conf
# Only this stage needs the network: npm's packages.
stage=$(cat Dockerfile package.json package-lock.json src/cli/generate-sbom.ts test/support/image/build.sh node_modules/node/package.json | sha256sum)
if [ "$(cat "$assets/image/dependencies.sum" 2>/dev/null)" != "$stage" ] ||
  ! buildah inspect --type image localhost/catalyst:dependencies >/dev/null 2>&1; then
  bash test/support/image/build.sh "$assets/image" localhost/catalyst:dependencies --layers --target dependencies
  echo "$stage" >"$assets/image/dependencies.sum"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$assets/image/node"

# scratch NAME FILE ENTRYPOINT: builds an image of one static program, unless its archive is newer than the program. busybox needs
# its file name.
scratch() {
  local name=$1 file=$2 entrypoint=$3 archive=$assets/image/node/$1.tar
  [ -e "$archive" ] && [ -z "$(find -L "$file" -cnewer "$archive")" ] && return
  mkdir "$work/$name"
  cp "$file" "$work/$name/"
  printf 'FROM scratch\nCOPY %s /\nENTRYPOINT %s\n' "$(basename "$file")" "$entrypoint" >"$work/$name/Dockerfile"
  buildah build --isolation chroot --timestamp 0 --layers --quiet -t "localhost/$name:1" "$work/$name"
  rm -f "$archive.part"
  buildah push --quiet "localhost/$name:1" "docker-archive:$archive.part:localhost/$name:1"
  mv "$archive.part" "$archive"
}

scratch pause "$(command -v busybox)" '["/busybox", "sleep", "infinity"]'
scratch coredns "$assets/coredns" '["/coredns"]'
