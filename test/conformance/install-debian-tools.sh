#!/usr/bin/env bash
# Installs these Debian packages, unless they are there: Chromium and fonts with Arabic for the tests of the pages, curl, and the
# tools that build the image. It also fetches promtool, for the tests of the alerts, into a folder.
# Usage: install-debian-tools.sh FOLDER        CHROMIUM names another browser's executable; then none is installed.
set -euo pipefail
assets=${1:?usage: install-debian-tools.sh FOLDER}
mkdir -p "$assets"
assets=$(cd "$assets" && pwd)

packages=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium fonts-noto-core fonts-noto-mono)
for tool in curl buildah mmdebstrap; do
  command -v "$tool" >/dev/null || packages+=("$tool")
done
if [ "${#packages[@]}" -eq 0 ] && [ -x "$assets/promtool" ]; then
  echo "the tools are there: ${CHROMIUM:-/usr/bin/chromium}, $(command -v curl buildah mmdebstrap | xargs)"
  exit 0
fi
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -q
[ "${#packages[@]}" -eq 0 ] || "${run[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}"
if [ ! -x "$assets/promtool" ]; then
  # promtool is extracted from its package, because an installation would also start a server.
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  apt-get download -q prometheus
  dpkg-deb --extract prometheus_*.deb .
  cp usr/bin/promtool "$assets/promtool"
fi
