#!/usr/bin/env bash
# Builds the test tools (kube-apiserver, etcd, kubectl, helm, kubeconform, stripe-mock, cosign, the Kyverno CLI, actionlint, a
# Kafka broker) from Go modules into a folder, each once: about 27 minutes cold. With `node`, also those of the node tier (kubelet,
# kube-proxy, kube-scheduler, kube-controller-manager, CoreDNS): about 8 minutes more.
# Usage: build-tools.sh FOLDER [node] then: KUBEBUILDER_ASSETS=FOLDER npm run test:conformance
set -euo pipefail

KUBERNETES=1.36.4
# The oldest minor version that is supported: its kube-apiserver alone, in a folder of its own beside a link to etcd.
PREVIOUS_KUBERNETES=1.34.4
ETCD=3.6.8
HELM=4.2.4
KYVERNO=1.19.0
KUBECONFORM=0.7.0
STRIPE_MOCK=0.203.0
COSIGN=3.1.2
ACTIONLINT=1.7.12
COREDNS=1.15.0
# franz-go's own broker for tests has no releases; it is built with the release of the client that it fits.
KFAKE=0.0.0-20260918054303-01f206a7e32c
FRANZ=1.22.3
here=$(cd "$(dirname "$0")" && pwd)
assets=${1:?usage: build-tools.sh FOLDER [node]}
with_node=$([ "${2:-}" = node ] && echo yes || true)
mkdir -p "$assets"
assets=$(cd "$assets" && pwd)

# built TOOL VERSION: whether the folder has the tool in this version.
built() { [ "$(cat "$assets/.$1.version" 2>/dev/null)" = "$2" ]; }
mark() { echo "$2" >"$assets/.$1.version"; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GOFLAGS=-mod=mod

staging="api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap
  code-generator component-base component-helpers controller-manager cri-api cri-client cri-streaming
  csi-translation-lib dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator
  kube-controller-manager kube-proxy kube-scheduler kubectl kubelet metrics mount-utils
  pod-security-admission sample-apiserver sample-cli-plugin sample-controller streaming"

# kubernetes VERSION COMMAND OUTPUT: builds a command of this version of Kubernetes.
kubernetes() {
  local release=$1 command=$2 output=$3 module version=k8s.io/component-base/version
  local minor=${release#1.}
  mkdir -p "$work/kubernetes-$release"
  cd "$work/kubernetes-$release"
  if [ ! -f go.mod ]; then
    {
      printf 'module catalyst.test/kubernetes\n\ngo 1.26.0\n\nreplace (\n'
      # A replacement of a module that this version does not use has no effect.
      for module in $staging; do printf '\tk8s.io/%s => k8s.io/%s v0.%s\n' "$module" "$module" "$minor"; done
      printf ')\n'
    } >go.mod
  fi
  go get -tool "k8s.io/kubernetes/cmd/$command@v$release"
  go build -trimpath -ldflags "-s -w -X $version.gitVersion=v$release -X $version.gitMajor=1 -X $version.gitMinor=${minor%.*}" \
    -o "$output" "k8s.io/kubernetes/cmd/$command"
}

for command in kube-apiserver kubectl ${with_node:+kubelet kube-proxy kube-scheduler kube-controller-manager}; do
  built $command $KUBERNETES && continue
  kubernetes $KUBERNETES $command "$assets/$command"
  mark $command $KUBERNETES
done
previous=kubernetes-${PREVIOUS_KUBERNETES%.*}
if ! built $previous $PREVIOUS_KUBERNETES; then
  mkdir -p "$assets/$previous"
  kubernetes $PREVIOUS_KUBERNETES kube-apiserver "$assets/$previous/kube-apiserver"
  ln -sf ../etcd "$assets/$previous/etcd"
  mark $previous $PREVIOUS_KUBERNETES
fi

# from_source TOOL VERSION PACKAGE [REPLACEMENT]: builds a tool in a module of its own, because `go install` refuses modules that
# replace others.
from_source() {
  local tool=$1 version=$2 package=$3 replacement=${4:-}
  built "$tool" "$version" && return
  mkdir "$work/$tool"
  cd "$work/$tool"
  printf 'module catalyst.test/%s\n\ngo 1.26.0\n' "$tool" >go.mod
  [ -z "$replacement" ] || printf '\nreplace %s\n' "$replacement" >>go.mod
  go get -tool "$package@v$version"
  go build -trimpath -ldflags "-s -w" -o "$assets/$tool" "$package"
  mark "$tool" "$version"
}

# installed TOOL VERSION PACKAGE: builds a tool by `go install`.
installed() {
  local tool=$1 version=$2 package=$3
  built "$tool" "$version" && return
  GOBIN=$assets GOFLAGS= go install -trimpath -ldflags "-s -w" "$package@v$version"
  mark "$tool" "$version"
}

from_source etcd $ETCD go.etcd.io/etcd/server/v3
if ! built kfake $KFAKE; then
  mkdir "$work/kfake"
  cp "$here/kafka-broker/main.go" "$work/kfake/main.go"
  cd "$work/kfake"
  printf 'module catalyst.test/kfake\n\ngo 1.26.0\n' >go.mod
  go get "github.com/twmb/franz-go@v$FRANZ" "github.com/twmb/franz-go/pkg/kfake@v$KFAKE"
  go build -trimpath -ldflags "-s -w" -o "$assets/kfake" .
  mark kfake $KFAKE
fi
installed helm $HELM helm.sh/helm/v4/cmd/helm
installed kubeconform $KUBECONFORM github.com/yannh/kubeconform/cmd/kubeconform
# Its go.mod replaces this module, and a dependency's replacements do not count.
from_source kyverno $KYVERNO github.com/kyverno/kyverno/cmd/cli/kubectl-kyverno \
  "k8s.io/pod-security-admission => github.com/kyverno/pod-security-admission v0.0.0-20251031094455-46f20778634f"
installed actionlint $ACTIONLINT github.com/rhysd/actionlint/cmd/actionlint
installed stripe-mock $STRIPE_MOCK github.com/stripe/stripe-mock
installed cosign $COSIGN github.com/sigstore/cosign/v3/cmd/cosign
if [ -n "$with_node" ]; then
  # Its image has no C library.
  CGO_ENABLED=0 from_source coredns $COREDNS github.com/coredns/coredns
fi
echo "test tools are built: $assets"
