#!/usr/bin/env bash
# Runs the tests on a real node: `npm run test:node`. The node has addresses of IPv6 and IPv4, or only of IPv4 where the kernel has
# no IPv6. With --ipv6, it runs only the quickstart, a move to a new cluster and the removal, on a node that has only IPv6. With
# --check, it only says whether this machine can run it.
# Everything runs in its own network, mount and PID namespace. So nothing outlives this process, and the machine's network does not
# change.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=$PWD/node_modules/.bin:$PATH

refuse() {
  echo "node tier: not run: $1" >&2
  exit 1
}
[ "$(uname -s)" = Linux ] || refuse "it needs Linux"
[ "$(id -u)" -eq 0 ] || refuse "it needs root"
[ -w /sys/fs/cgroup/memory/cgroup.procs ] && [ -w /sys/fs/cgroup/cpuset/cgroup.procs ] ||
  refuse "it needs cgroups of version 1 that root can write"
for program in unshare setpriv nsenter ip go apt-get; do
  command -v $program >/dev/null || refuse "it needs $program"
done
unshare --net --mount --pid --fork --mount-proc ip link add node0 type veth peer name node1 2>/dev/null ||
  refuse "the kernel lets root make neither namespaces nor veth pairs"
grep -q overlay /proc/filesystems || refuse "the kernel has no overlay file system"
tests=test/node/node.test.ts
export IP_FAMILIES=${IP_FAMILIES:-IPv6 IPv4}
[ -e /proc/sys/net/ipv6 ] || IP_FAMILIES=IPv4
for option in "$@"; do
  case $option in
    --check) exit 0 ;;
    --ipv6)
      [ -e /proc/sys/net/ipv6 ] || refuse "the kernel has no IPv6"
      tests=test/node/ipv6.test.ts IP_FAMILIES=IPv6
      ;;
    *) refuse "it takes --ipv6 and --check, not $option" ;;
  esac
done

assets=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/catalyst-test-tools}
export KUBEBUILDER_ASSETS=$assets
bash test/node/install-packages.sh || refuse "Debian's packages cannot be installed"
bash test/conformance/build-tools.sh "$assets" node || refuse "its tools cannot be built"
bash test/node/build-images.sh "$assets" || refuse "its images cannot be built"
# Removes the remains of killed runs. A cgroup with processes stays, as does the folder of its run.
for folder in /tmp/catalyst-node-*; do
  [ -d "$folder" ] || continue
  name=$(basename "$folder")
  find /sys/fs/cgroup/*/"$name" -depth -type d -exec rmdir {} + 2>/dev/null || true
  [ -d "/sys/fs/cgroup/pids/$name" ] || rm -rf "$folder"
done
exec setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc \
  bash -c 'ip link set lo up; vitest run --project node --bail 1 --reporter verbose "$1"; exit $?' node "$tests"
