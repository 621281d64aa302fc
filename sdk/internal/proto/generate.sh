#!/bin/sh
# Generates the Go code of the plugin protocol. With --check it writes nothing and fails when the code is stale.
# Needs only Go; the tools are fetched at pinned versions and leave go.mod alone.
set -eu
cd "$(dirname "$0")"
buf() { GOFLAGS=-mod=mod go run github.com/bufbuild/buf/cmd/buf@v1.75.0 "$@"; }

case "${1:-}" in
"")
	buf generate
	sha256sum drydock/plugin/v1/*.proto >SHA256SUMS
	;;
--lint)
	buf lint
	;;
--check)
	fresh=$(mktemp -d)
	trap 'rm -rf "$fresh"' EXIT
	buf generate --output "$fresh"
	diff -ru drydock "$fresh/drydock" --exclude='*.proto' || {
		echo "the generated protocol code is stale: run go generate ./sdk/internal/proto" >&2
		exit 1
	}
	;;
*)
	echo "usage: $0 [--check | --lint]" >&2
	exit 2
	;;
esac
