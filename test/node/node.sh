#!/usr/bin/env bash
# The first process of the node. It starts all others, and restarts them when they end. It runs in its own network, mount and PID
# namespace, so when it ends, the whole node ends, as in a power cut.
# Usage: node.sh FOLDER ASSETS CGROUP     FOLDER is the node's disk and configuration. The environment has the addresses.
set -euo pipefail
folder=$1 assets=$2 cgroup=$3
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# All of the node's processes are in its cgroup. In cgroup v1, a new cpuset has neither processors nor memory.
for hierarchy in /sys/fs/cgroup/*/; do
  [ -e "$hierarchy/cgroup.procs" ] || continue
  mkdir -p "$hierarchy$cgroup/system"
  for part in "$cgroup" "$cgroup/system"; do
    [ -e "$hierarchy/cpuset.cpus" ] || continue
    cat "$hierarchy/cpuset.cpus" >"$hierarchy$part/cpuset.cpus"
    cat "$hierarchy/cpuset.mems" >"$hierarchy$part/cpuset.mems"
  done
  echo 0 >"$hierarchy$cgroup/system/cgroup.procs"
done

# kubelet writes these settings, which would change the whole machine. It gets files of its own instead.
while read -r name value; do
  mkdir -p "$folder/sysctl"
  echo "$value" >"$folder/sysctl/${name##*/}"
  mount --bind "$folder/sysctl/${name##*/}" "/proc/sys/$name"
done <<'END'
vm/overcommit_memory 1
vm/panic_on_oom 0
kernel/panic 10
kernel/panic_on_oops 1
kernel/keys/root_maxkeys 1000000
kernel/keys/root_maxbytes 25000000
END

# Data that must survive a power cut is in FOLDER. /run does not survive it.
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /var/log
for name in lib/kubelet lib/containerd lib/cni lib/etcd log/pods; do
  mkdir -p "$folder/disk/$name" "/var/$name"
  mount --bind "$folder/disk/$name" "/var/$name"
done
# Containers must see the mounts below /var/lib/kubelet.
mount --make-rshared /
mount --make-rshared /var/lib/kubelet

until ip link show eth0 >/dev/null 2>&1; do sleep 0.05; done
ip link set lo up
for link in default eth0; do
  # The kernel would offer a new IPv6 address only after a second, in which another machine could object.
  [ ! -e /proc/sys/net/ipv6/conf/$link ] || echo 0 >/proc/sys/net/ipv6/conf/$link/accept_dad
done
for address in $INTERFACE_ADDRESSES; do ip address add "$address" dev eth0; done
ip link set eth0 up
for gateway in $GATEWAYS; do ip route add default via "$gateway"; done
for setting in ipv4/ip_forward ipv6/conf/all/forwarding; do
  [ ! -e /proc/sys/net/$setting ] || echo 1 >/proc/sys/net/$setting
done
# The same for a Pod's network. Otherwise ptp, which waits for the kernel, takes 1.6 s in place of 0.1 s.
mkdir /run/cni
ln -s /usr/lib/cni/* /run/cni/
rm /run/cni/ptp
cat >/run/cni/ptp <<'END'
#!/bin/sh
[ "$CNI_COMMAND" != ADD ] || nsenter --net="$CNI_NETNS" \
  sh -c 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad' 2>/dev/null
exec /usr/lib/cni/ptp
END
chmod +x /run/cni/ptp

# keep NAME COMMAND…: runs the command, and again a second after its end, unless FOLDER/hold/NAME exists.
keep() {
  local name=$1
  shift
  (
    while :; do
      while [ -e "$folder/hold/$name" ]; do sleep 0.2; done
      "$@" >>"$folder/log/$name.log" 2>&1 || true
      sleep 1
    done
  ) &
}

pki=$folder/pki
keep etcd "$assets/etcd" --data-dir /var/lib/etcd --log-level error --listen-client-urls http://127.0.0.1:2379 \
  --advertise-client-urls http://127.0.0.1:2379 --listen-peer-urls http://127.0.0.1:2380
keep kube-apiserver "$assets/kube-apiserver" --etcd-servers http://127.0.0.1:2379 --secure-port 6443 \
  --advertise-address "$ADVERTISED_ADDRESS" --service-cluster-ip-range "$SERVICE_RANGES" --allow-privileged \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
  --kubelet-preferred-address-types InternalIP --kubelet-client-certificate "$pki/kubelet-client.crt" --kubelet-client-key "$pki/kubelet-client.key" \
  --service-account-key-file "$pki/service-account.pub" --service-account-signing-key-file "$pki/service-account.key" \
  --service-account-issuer https://kubernetes.default.svc.cluster.local --max-requests-inflight 400
keep containerd containerd --config "$folder/containerd.toml"
until "$assets/kubectl" --kubeconfig "$folder/kubeconfig/super-admin" get --raw /readyz >/dev/null 2>&1; do sleep 0.2; done
# The node's own images are imported, because the node starts without a registry.
for image in "$assets"/image/node/*.tar; do
  until ctr --namespace k8s.io images import "$image" >>"$folder/log/import.log" 2>&1; do sleep 0.2; done
done
keep kubelet "$assets/kubelet" --config "$folder/kubelet.yaml" --kubeconfig "$folder/kubeconfig/kubelet" \
  --hostname-override node --node-ip "$NODE_IPS"
keep kube-controller-manager "$assets/kube-controller-manager" --kubeconfig "$folder/kubeconfig/controller-manager" \
  --leader-elect=false --use-service-account-credentials --root-ca-file "$pki/ca.crt" \
  --service-account-private-key-file "$pki/service-account.key"
keep kube-scheduler "$assets/kube-scheduler" --kubeconfig "$folder/kubeconfig/scheduler" --leader-elect=false
keep kube-proxy "$assets/kube-proxy" --config "$folder/kube-proxy.yaml"

# As the first process, Bash also reaps the processes whose parents have ended.
while :; do
  sleep 3600 &
  wait $! || true
done
