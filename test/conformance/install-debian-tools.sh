#!/usr/bin/env bash
# Installs from Debian, unless they are there: Chromium, which judges the pages, with fonts that have Arabic; curl; and what
# builds the image.
# Usage: install-debian-tools.sh        CHROMIUM names another browser's executable; then none is installed.
set -euo pipefail

packages=()
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium fonts-noto-core fonts-noto-mono)
for tool in curl buildah mmdebstrap; do
  command -v "$tool" >/dev/null || packages+=("$tool")
done
if [ "${#packages[@]}" -eq 0 ]; then
  echo "the tools are there: ${CHROMIUM:-/usr/bin/chromium}, $(command -v curl buildah mmdebstrap | xargs)"
  exit 0
fi
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -q
"${run[@]}" apt-get install -q -y --no-install-recommends "${packages[@]}"
