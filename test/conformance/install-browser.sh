#!/usr/bin/env bash
# Installs Debian's Chromium, which judges the pages, and fonts with Arabic for it, unless they are there.
# Usage: install-browser.sh        CHROMIUM names another browser's executable; then nothing is installed.
set -euo pipefail

if [ -x "${CHROMIUM:-/usr/bin/chromium}" ]; then
  echo "the browser is there: ${CHROMIUM:-/usr/bin/chromium}"
  exit 0
fi
run=()
[ "$(id -u)" -eq 0 ] || run=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${run[@]}" apt-get update -q
"${run[@]}" apt-get install -q -y --no-install-recommends chromium fonts-noto-core fonts-noto-mono
