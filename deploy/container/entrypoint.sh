#!/bin/sh
# Puts the configuration of one container together and starts sanfang with it:
#   entrypoint.sh serve --roles rules       (or: topics create, check; `--config` is added)
#
# Containers of a deployment share one configuration and differ in their name; what is secret comes as
# files of its own. The program reads one file: the shared part, with the name put in where it says
# @NODE@, then the sections of secrets/links.toml. Paths in it are relative to where it lies, so that
# "secrets/mail" is a file of the secrets.
set -eu
umask 077

shared="${SANFANG_SHARED:-/etc/sanfang/sanfang.toml}"
secrets="${SANFANG_SECRETS:-/run/secrets}"
run="${SANFANG_RUN:-/run/sanfang}"
node="${SANFANG_NODE:-$(hostname)}"

case "$node" in
'' | *[!A-Za-z0-9._-]*)
    echo "SANFANG_NODE \"$node\": a node's name has letters, digits, dots, hyphens and underscores alone" >&2
    exit 2
    ;;
esac
[ -r "$shared" ] || {
    echo "$shared cannot be read: mount the shared part of the configuration there, or say where it is in SANFANG_SHARED" >&2
    exit 2
}

sed "s/@NODE@/$node/g" "$shared" >"$run/sanfang.toml"
if [ -r "$secrets/links.toml" ]; then
    printf '\n' >>"$run/sanfang.toml"
    sed "s/@NODE@/$node/g" "$secrets/links.toml" >>"$run/sanfang.toml"
fi
ln -sfn "$secrets" "$run/secrets"

exec sanfang "$@" --config "$run/sanfang.toml"
