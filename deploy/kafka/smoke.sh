#!/usr/bin/env bash
# What kafka.sh promises of its cluster, seen by kcat: records survive a broker's stop, every listener
# lets in who may come in and nobody else. With no cluster running it has one for itself.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ -z "${SANFANG_KAFKA:-}" ]; then
    CI=true exec "$here/kafka.sh" run "$0"
fi
dir=$SANFANG_KAFKA_DIR
topic=smoke-$$
passed=0 failed=0

check() { # what, expected, got
    if [ "$2" = "$3" ]; then
        printf 'ok      %s\n' "$1"
        passed=$((passed + 1))
    else
        printf 'FAILED  %s: expected "%s", got "%s"\n' "$1" "$2" "$3"
        failed=$((failed + 1))
    fi
}

kcat_to() { timeout 60 kcat -q -b "$SANFANG_KAFKA" "$@"; }
read_by() { kcat_to -C -e -t "$topic" -p 1 -o beginning -f '%k=%s %h\n' "$@" 2>"$dir/smoke.log" || tail -n 1 "$dir/smoke.log"; }
write() { printf '%s' "$1" | kcat_to -P -t "$topic" -p 1 -k key -H kind=smoke -X acks=all; }

"$here/kafka.sh" tool topics --create --topic "$topic" --partitions 3 >/dev/null
one='key=one kind=smoke'
two=$one$'\nkey=two kind=smoke'

write one
check "a record comes back with its key and header" "$one" "$(read_by)"

"$here/kafka.sh" stop 2
check "and with broker 2 stopped" "$one" "$(read_by)"
write two
check "which hinders no acknowledged write" "$two" "$(read_by)"
"$here/kafka.sh" kill 3 # two of three controllers are gone now: nothing is decided until one is back
"$here/kafka.sh" start 2
"$here/kafka.sh" start 3
check "nor does losing two lose a record" "$two" "$(read_by)"

# SCRAM by Kafka's own client: librdkafka before 2.6.1, so Debian 12's kcat, does not get past brokers
# that check its nonce (Kafka 3.7.2 and later).
topics_by() { # mechanism, its module, password → whether our topic is listed
    (
        umask 077
        cat >"$dir/smoke.properties" <<-END
			security.protocol=SASL_SSL
			sasl.mechanism=$1
			sasl.jaas.config=org.apache.kafka.common.security.$2 required username="sanfang" password="$3";
			ssl.truststore.type=PEM
			ssl.truststore.location=$dir/ca.pem
		END
    )
    "$here/kafka.sh" tool topics --list --bootstrap-server "$(cat "$dir/brokers.sasl_ssl")" --command-config "$dir/smoke.properties" 2>"$dir/smoke.log" |
        grep -x "$topic" || grep -om 1 'Authentication failed' "$dir/smoke.log" || head -n 3 "$dir/smoke.log"
}
password=$(cat "$dir/password")
for mechanism in SCRAM-SHA-512 SCRAM-SHA-256; do
    check "SASL_SSL by $mechanism" "$topic" "$(topics_by $mechanism scram.ScramLoginModule "$password")"
done
check "not with another password" "Authentication failed" "$(topics_by SCRAM-SHA-512 scram.ScramLoginModule wrong)"

tls=(-X security.protocol=sasl_ssl -X "ssl.ca.location=$dir/ca.pem" -X sasl.username=sanfang)
SANFANG_KAFKA=$(cat "$dir/brokers.sasl_ssl")
check "SASL_SSL by PLAIN" "$two" "$(read_by "${tls[@]}" -X sasl.mechanism=PLAIN -X "sasl.password=$password")"
check "SASL_SSL by OAUTHBEARER, unsigned" "$two" \
    "$(read_by "${tls[@]}" -X sasl.mechanism=OAUTHBEARER -X enable.sasl.oauthbearer.unsecure.jwt=true -X sasl.oauthbearer.config=principal=sanfang)"

SANFANG_KAFKA=$(cat "$dir/brokers.ssl")
own=(-X security.protocol=ssl -X "ssl.ca.location=$dir/ca.pem")
check "SSL with a certificate of one's own" "$two" \
    "$(read_by "${own[@]}" -X "ssl.certificate.location=$dir/client.pem" -X "ssl.key.location=$dir/client.key")"
check "not without" "" "$(read_by "${own[@]}" | grep kind || true)"

SANFANG_KAFKA=$(cat "$dir/brokers")
head -c 8388608 /dev/zero | tr '\0' x >"$dir/smoke.large"
kcat_to -P -t "$topic" -p 2 -X acks=all -X message.max.bytes=9000000 "$dir/smoke.large"
check "8 MiB in one record" 8388608 \
    "$(kcat_to -C -e -t "$topic" -p 2 -o beginning -f '%S\n' -X fetch.message.max.bytes=9000000 -X receive.message.max.bytes=100000000)"
rm -f "$dir/smoke.large" "$dir/smoke.log" "$dir/smoke.properties"

"$here/kafka.sh" tool topics --delete --topic "$topic"
printf '%s passed, %s failed\n' $passed $failed
[ $failed -eq 0 ]
