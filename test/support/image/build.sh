#!/usr/bin/env bash
# Builds the image from the unmodified Dockerfile, without Docker and without a registry. Its base is Debian with this checkout's
# Node and this machine's npm, in the place of node:26-slim. Needs root, Debian, and the packages buildah and mmdebstrap.
# Usage: build.sh FOLDER TAG [OPTION…]     FOLDER keeps buildah's storage and the base; the options go to `buildah build`
# Prints the digest of the image that it built.
set -euo pipefail
usage="usage: build.sh FOLDER TAG [OPTION…]"
mkdir -p "${1:?$usage}"
folder=$(cd "$1" && pwd)
tag=${2:?$usage}
shift 2
cd "$(dirname "$0")/../../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A storage of its own, and no registry: buildah resolves each name here and pulls nothing.
export CONTAINERS_REGISTRIES_CONF=$folder/registries.conf CONTAINERS_STORAGE_CONF=$folder/storage.conf
echo 'short-name-mode = "disabled"' >"$CONTAINERS_REGISTRIES_CONF"
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$folder/storage" "$folder/run" >"$CONTAINERS_STORAGE_CONF"
build=(buildah build --isolation chroot --timestamp 0 --pull-never --quiet)

node=$(realpath node_modules/node/bin/node)
base=localhost/node:$("$node" --version)-slim
if ! buildah inspect --type image "$base" >/dev/null 2>&1; then
  # 50 s, so it is kept. The same time in each file makes the base of the same packages the same.
  if [ ! -f "$folder/debian.tar" ]; then
    SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --format=tar --variant=essential --include=ca-certificates,libatomic1,libstdc++6 bookworm "$folder/debian.tar.part" >&2
    mv "$folder/debian.tar.part" "$folder/debian.tar"
  fi
  mkdir "$work/base"
  ln "$folder/debian.tar" "$work/base/" 2>/dev/null || cp "$folder/debian.tar" "$work/base/"
  cp "$node" "$work/base/node"
  cp -r "$(npm root --global)/npm" "$work/base/npm"
  cat >"$work/base/Dockerfile" <<'END'
FROM scratch
ADD debian.tar /
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
END
  "${build[@]}" --tag "$base" "$work/base" >&2
fi

# npm in the build gets this machine's registry, certificates and cache as mounts, so that no image contains them.
npm config get registry | sed 's/^/registry=/' >"$work/npmrc"
printf 'cafile=/etc/ssl/certs/ca-certificates.crt\nprefer-offline=true\n' >>"$work/npmrc"
cache=$(npm config get cache)
mkdir -p "$cache"
"${build[@]}" --volume "$work/npmrc:/root/.npmrc:ro" --volume /etc/ssl/certs:/etc/ssl/certs:ro --volume "$cache:/root/.npm" \
  --build-arg "NODE_IMAGE=$base" --tag "$tag" "$@" . >&2
buildah inspect --type image --format '{{.FromImageDigest}}' "$tag"
