#!/usr/bin/env bash
# Makes deploy/secrets for compose.yaml, once: what is there is left alone. Prints the console's
# links with the tokens of two people; only hashes of these are kept.
set -euo pipefail

folder="$(cd "$(dirname "$0")/.." && pwd)/secrets"
# Others do not get into the folder; in the containers each file is read by a user of its own.
mkdir -p "$folder"
chmod 0700 "$folder"

random() { openssl rand -hex 32; }
person() { # id, name; prints the token on stderr
    local token
    token="$(random)"
    printf '%s: http://127.0.0.1:8080/#token=%s\n' "$1" "$token" >&2
    printf '[[person]]\nid = "%s"\nname = "%s"\nscopes = ["read", "approve", "issue", "answer", "signal", "respond"]\ntoken_sha256 = "%s"\n\n' \
        "$1" "$2" "$(printf %s "$token" | sha256sum | cut -d' ' -f1)"
}
make() { # name; content on stdin
    [ -s "$folder/$1" ] && { cat >/dev/null; return; }
    (umask 077 && cat >"$folder/$1.new")
    chmod 0444 "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
}

if [ ! -s "$folder/links.toml" ]; then
    {
        person chen 陈雨
        person wang 王海
        person deputy-duty 值班副主任
        person chief 值班主任
        # The simulated carrier of the profile `trial`; put a contract's account in its place.
        printf '[[sms]]\nname = "carrier-a"\npace_per_s = 500\n[sms.smpp]\naddress = "carrier:2775"\nsystem_id = "sanfang"\npassword = "%s"\nwindow = 100\n' "$(random | cut -c1-8)"
    } | make links.toml
fi
printf 'id = "compose"\nkey = "%s"\n' "$(random)" | make directory.key
random | make grafana-admin
echo "deploy/secrets is there; keep a copy of directory.key apart: without it nobody can be reached" >&2
