#!/usr/bin/env bash
# Installs from Debian what the node tier runs and builds with, unless it is there. No service is started.
set -euo pipefail

packages=(containerd runc containernetworking-plugins docker-registry iptables conntrack mmdebstrap buildah busybox-static)
missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
