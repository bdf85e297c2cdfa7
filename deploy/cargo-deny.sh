#!/usr/bin/env bash
# Licences, sources and banned crates of everything that is built in, by cargo-deny; it is installed
# outside the clone if need be. Advisories too where their database can be fetched.
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

# cargo-deny keeps the database under the cargo home; a machine without it or the way to it is told.
if timeout 15 git ls-remote -q https://github.com/RustSec/advisory-db HEAD >/dev/null 2>&1; then
    # News about an unchanged tree: told, not a failure of this tree's tests.
    cargo deny --locked check --hide-inclusion-graph advisories || echo "ADVISORIES: see above"
else
    echo "SKIPPED advisories: their database cannot be fetched from here"
fi
