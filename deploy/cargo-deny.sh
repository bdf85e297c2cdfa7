#!/usr/bin/env bash
# Licences, sources and banned crates of everything that is built in, by cargo-deny; it is installed
# outside the clone if need be. Advisories need a database from the network: `cargo deny check
# advisories` where that can be reached.
set -euo pipefail

version=0.20.2
root="${SANFANG_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/tools}"
PATH="$root/bin:$PATH"

if ! cargo deny --version >/dev/null 2>&1; then
    echo "installing cargo-deny $version (once: some minutes)"
    # It runs for a second: built quickly rather than well.
    export CARGO_PROFILE_RELEASE_{OPT_LEVEL=1,LTO=off,CODEGEN_UNITS=16,DEBUG=0}
    if ! CARGO_TARGET_DIR="$root/target" cargo install cargo-deny --version "$version" --locked --quiet --root "$root"; then
        echo "SKIPPED cargo deny: it is not there and cannot be installed; licences and sources are unchecked"
        exit 0
    fi
    rm -rf "$root/target"
fi
cargo deny --locked check --hide-inclusion-graph bans licenses sources
