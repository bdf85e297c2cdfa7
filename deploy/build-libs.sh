#!/usr/bin/env bash
# What librdkafka is built with beside a C compiler: the headers of OpenSSL, zlib and
# libcurl. Installed by apt-get where they are missing and that is there and
# allowed; elsewhere it says what to install.
set -euo pipefail

say() { printf '%s\n' "$*" >&2; }

printf '#include <openssl/ssl.h>\n#include <zlib.h>\n#include <curl/curl.h>\n' | cc -E -x c - >/dev/null 2>&1 &&
    command -v pkg-config >/dev/null && exit 0

packages=(libssl-dev zlib1g-dev libcurl4-openssl-dev pkg-config)
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    sudo -n true 2>/dev/null || { say "missing: ${packages[*]}; install them, or run this as root"; exit 1; }
    as_root=(sudo -n)
fi
command -v apt-get >/dev/null || { say "missing: headers of OpenSSL, zlib and libcurl, and pkg-config; install them by your system's packages"; exit 1; }
say "installing ${packages[*]}"
"${as_root[@]}" apt-get update -qq >&2
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
