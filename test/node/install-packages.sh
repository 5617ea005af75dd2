#!/usr/bin/env bash
# Installs the Debian packages that the node tier runs and builds with, and the programs of docs/quickstart.md, unless they are
# installed. It starts no service.
set -euo pipefail

packages=(containerd runc containernetworking-plugins docker-registry iptables conntrack mmdebstrap buildah busybox-static curl jq openssl postgresql-client-15)
missing=()
for package in "${packages[@]}"; do
  dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ "${#missing[@]}" -eq 0 ] && exit 0
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
