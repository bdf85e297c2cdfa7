#!/usr/bin/env bash
# Makes the independent programs that the gateways are tested against, outside the clone, and
# prints the directory. Running it again is quick. Fails loudly: the tests decide whether that is
# a skip (a desk) or a failure (CI=true).
set -euo pipefail

peers="${SANFANG_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/peers}"
venv="$peers/venv"
wanted="capvalidator==0.1.0.dev4 aiosmtpd==1.4.6"

# System packages: a broker, a browser with Chinese letters, Python for the validators.
packages="mosquitto chromium fonts-noto-cjk python3-venv"
missing=""
for package in $packages; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then
        echo "installing$missing" >&2
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -qq >&2
        # shellcheck disable=SC2086  # a list of packages
        apt-get install -y -qq --no-install-recommends $missing >&2
    else
        echo "missing system packages:$missing — run: sudo apt-get install$missing" >&2
        exit 1
    fi
fi

mkdir -p "$peers"
exec 9>"$peers/.lock"
flock 9

if [ "$(cat "$venv/.wanted" 2>/dev/null || true)" != "$wanted" ]; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || {
        echo "python3-venv is missing: apt-get install python3-venv" >&2
        exit 1
    }
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086  # a list of packages
    "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted >&2
    printf '%s' "$wanted" >"$venv/.wanted"
fi
printf '%s\n' "$peers"
