#!/bin/sh
# What is made of the .proto files, and what they must keep to.
#
#   generate.sh             the Go code, its digests, and the reference in docs/plugins/protocol.md
#   generate.sh --check     writes nothing; fails when the code is stale
#   generate.sh --lint      buf lint
#   generate.sh --breaking  fails when something of the released protocol has changed: see baseline/
#   generate.sh --all       lint, check, breaking: what the gate runs
#   generate.sh --release   makes the protocol as it is now the released one
#
# Needs only Go. buf is built from source at a pinned version, which takes a minute once; the binary stays in .cache/tools.
set -eu
cd "$(dirname "$0")"
version=v1.75.0
tools=$(cd ../../.. && pwd)/.cache/tools

buf() {
	tool=$tools/buf-$version
	if [ ! -x "$tool" ]; then
		echo "building buf $version from source, once" >&2
		mkdir -p "$tools/build"
		GOFLAGS='' CGO_ENABLED=0 GOBIN=$tools/build go install "github.com/bufbuild/buf/cmd/buf@$version"
		mv "$tools/build/buf" "$tool"
	fi
	"$tool" "$@"
}

check() {
	fresh=$(mktemp -d)
	trap 'rm -rf "$fresh"' EXIT
	buf generate --output "$fresh"
	diff -ru drydock "$fresh/drydock" --exclude='*.proto' || {
		echo "the generated protocol code is stale: run make generate" >&2
		exit 1
	}
}

breaking() { buf breaking --against baseline/v1.txtpb; }

case "${1:-}" in
"")
	buf generate
	sha256sum drydock/plugin/v1/*.proto >SHA256SUMS
	go run ./reference ../../../docs/plugins/protocol.md
	;;
--lint)
	buf lint
	;;
--check)
	check
	;;
--breaking)
	breaking
	;;
--all)
	buf lint
	check
	breaking
	;;
--release)
	if [ -e baseline/v1.txtpb ]; then breaking; fi # a release adds to what was released, and changes nothing of it
	buf build --as-file-descriptor-set --exclude-source-info -o baseline/v1.new.txtpb
	mv baseline/v1.new.txtpb baseline/v1.txtpb
	;;
*)
	echo "usage: $0 [--check | --lint | --breaking | --all | --release]" >&2
	exit 2
	;;
esac
