#!/usr/bin/env bash
# Builds the images of the node tier, each once for its content: the product's from the unmodified Dockerfile, as a second revision
# of it, and those of the node itself.
# Usage: build-images.sh FOLDER     FOLDER has the test tools; FOLDER/node-images gets buildah's storage
set -euo pipefail

assets=$(cd "${1:?usage: build-images.sh FOLDER}" && pwd)
cd "$(dirname "$0")/../.."
images=$assets/node-images
mkdir -p "$images"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# An empty configuration of registries: every name is resolved here, and nothing is pulled.
export CONTAINERS_REGISTRIES_CONF=$work/registries.conf CONTAINERS_STORAGE_CONF=$images/storage.conf
echo 'short-name-mode = "disabled"' >"$CONTAINERS_REGISTRIES_CONF"
printf '[storage]\ndriver = "overlay"\ngraphroot = "%s"\nrunroot = "%s"\n' "$images/storage" "$images/run" >"$CONTAINERS_STORAGE_CONF"
# quoted WORD…: "WORD", "WORD"
quoted() { printf '"%s", ' "$@" | sed 's/, $//'; }
exists() { buildah images "localhost/$1" >/dev/null 2>&1; }

# scratch NAME FILE ARGUMENT…: an image of one static program. busybox needs its name.
scratch() {
  local name=$1 file=$2
  shift 2
  exists "$name:1" && return
  mkdir "$work/$name"
  cp "$file" "$work/$name/"
  printf 'FROM scratch\nCOPY %s /\nENTRYPOINT [%s]\n' "$(basename "$file")" "$(quoted "/$(basename "$file")" "$@")" \
    >"$work/$name/Dockerfile"
  buildah build --isolation chroot --timestamp 0 -t "localhost/$name:1" "$work/$name"
}

# The base of the product's image, as node:26-slim is: Debian with Node and npm. They are those of this checkout and machine.
node=$(realpath node_modules/node/bin/node)
base=node:$("$node" --version)-slim
if ! exists "$base"; then
  if [ ! -f "$images/debian.tar" ]; then
    debootstrap --variant=minbase --include=libatomic1 bookworm "$work/debian"
    rm -rf "$work"/debian/var/cache/apt/archives/*.deb "$work"/debian/var/lib/apt/lists/*
    tar -C "$work/debian" -cf "$images/debian.tar.part" .
    mv "$images/debian.tar.part" "$images/debian.tar"
  fi
  mkdir "$work/base"
  cp "$node" "$work/base/node"
  cp -r "$(npm root --global)/npm" "$work/base/npm"
  ln "$images/debian.tar" "$work/base/debian.tar" 2>/dev/null || cp "$images/debian.tar" "$work/base/debian.tar"
  cat >"$work/base/Dockerfile" <<'END'
FROM scratch
ADD debian.tar /
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
END
  buildah build --isolation chroot --timestamp 0 -t "localhost/$base" "$work/base"
fi

scratch pause "$(command -v busybox)" sleep infinity

# npm in the build gets the machine's registry and CA as mounts, so no image contains them.
printf 'registry=%s\ncafile=/etc/ssl/certs/ca-certificates.crt\nprefer-offline=true\n' "$(npm config get registry)" >"$work/npmrc"
mounts=(-v "$work/npmrc:/root/.npmrc:ro" -v /etc/ssl/certs:/etc/ssl/certs:ro -v "$(npm config get cache):/root/.npm")
for version in 1 2; do
  buildah build --isolation chroot --timestamp 0 --layers --pull-never "${mounts[@]}" \
    --build-arg "NODE_IMAGE=localhost/$base" --build-arg "REVISION=$version" -t "localhost/catalyst:$version" .
done
scratch coredns "$assets/coredns"
