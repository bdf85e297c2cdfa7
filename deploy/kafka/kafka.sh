#!/usr/bin/env bash
# A real Apache Kafka for tests: three nodes in KRaft mode on loopback. README.md says what it listens to.
#
#   kafka.sh up [--fresh]   start what is not running and wait until all three answer; --fresh begins
#                           without data unless the cluster is running
#   kafka.sh down           end all three, keep their data
#   kafka.sh clean          end all three, remove their data
#   kafka.sh start|stop|kill N   one node: start and wait, end in order, kill -9
#   kafka.sh status         what runs; exits 1 unless all three answer
#   kafka.sh run COMMAND…   COMMAND with a cluster that ends with it, and SANFANG_KAFKA set
#   kafka.sh tool NAME …    topics, configs, groups, elect, reassign, offsets, transactions, quorum
#   kafka.sh fetch          only fetch Kafka; once, from Maven Central
#   kafka.sh pin            write jars.sha256 anew after a change to pom.xml
#
# Set by environment: SANFANG_KAFKA_DIR state (target/kafka), SANFANG_KAFKA_PORT first port (19191),
# SANFANG_KAFKA_JARS jars (~/.cache/sanfang/kafka-…), SANFANG_KAFKA_JVM options of each node,
# SANFANG_KAFKA_PATIENCE seconds to start (120).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
dir=${SANFANG_KAFKA_DIR:-$target/kafka}
patience=${SANFANG_KAFKA_PATIENCE:-120}
# Compiled quickly: a test is over before the better compiler has paid for itself.
jvm=${SANFANG_KAFKA_JVM:--Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1}
sums=$here/jars.sha256
first_port=19191
ports_each=20

say() { printf 'kafka: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

[ -d "$dir" ] || { mkdir -p "$dir" && chmod 700 "$dir"; }
dir=$(cd "$dir" && pwd -P)

# ── Kafka itself ──

need() {
    command -v "$1" >/dev/null || fail "$1 is missing: deploy/test-peers.sh installs it, or your system's package $2"
}

copy_jars() { # folder
    need mvn maven
    timeout 600 mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$1" >"$1.log" 2>&1 ||
        { tail -n 20 "$1.log" >&2; rm -rf "$1" "$1.log"; fail "Kafka could not be fetched from Maven Central"; }
    rm -f "$1.log"
}

# Names the folder of the jars in `jars`, fetching them if it is not there.
fetch() {
    need java default-jre-headless
    local release
    release=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p')
    [ "${release:-0}" -ge 17 ] || fail "Kafka needs Java 17 or newer, this is $(java -version 2>&1 | head -n 1)"
    jars=${SANFANG_KAFKA_JARS:-${XDG_CACHE_HOME:-$HOME/.cache}/sanfang/kafka-$(sha256sum <"$sums" | cut -c1-12)}
    [ -e "$jars/.complete" ] && return
    say "fetching Kafka (once: some 45 MB)"
    mkdir -p "$(dirname "$jars")"
    exec {fetching}>"$jars.lock"
    flock "$fetching"
    if [ ! -e "$jars/.complete" ]; then
        rm -rf "$jars"
        mkdir "$jars"
        copy_jars "$jars"
        (cd "$jars" && sha256sum --quiet --strict -c "$sums" >&2) || fail "what came is not what jars.sha256 names; see $jars"
        [ "$(find "$jars" -name '*.jar' | wc -l)" -eq "$(wc -l <"$sums")" ] || fail "jars that jars.sha256 does not name came along; see $jars"
        touch "$jars/.complete"
    fi
    exec {fetching}>&-
}

pin() {
    local folder
    folder=$(mktemp -d)
    copy_jars "$folder/jars"
    (cd "$folder/jars" && sha256sum -- *.jar) >"$sums"
    rm -rf "$folder"
    say "$(wc -l <"$sums") jars pinned"
}

# ── one cluster's folder ──

ports() { # kind → the ports of the three nodes
    local at=$((base + $1 * 3))
    echo $at $((at + 1)) $((at + 2))
}
addresses() { # kind
    # shellcheck disable=SC2046,SC2183  # three words
    printf '127.0.0.1:%s,127.0.0.1:%s,127.0.0.1:%s' $(ports "$1")
}
plaintext=0 sasl_ssl=1 ssl=2 controller=3

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Settles `base`. A folder with data keeps its ports: the nodes know each other by them.
choose_ports() {
    base=$(cat "$dir/port" 2>/dev/null) || base=${SANFANG_KAFKA_PORT:-$first_port}
}

check_ports() { # nodes
    local node kind at
    for node in "$@"; do
        for kind in $plaintext $sasl_ssl $ssl $controller; do
            at=$((base + kind * 3 + node - 1))
            listening $at || continue
            say "port $at of node $node is in use: $(ss -Hltnp "sport = :$at" 2>/dev/null | tr -s ' ' || true)"
            fail "set SANFANG_KAFKA_PORT to another first port, of $ports_each"
        done
    done
}

certificates() {
    need openssl openssl
    local name
    (
        cd "$dir"
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
            -subj "/CN=sanfang test authority" -keyout ca.key -out ca.pem
        for name in server client; do
            openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
                -subj "/CN=sanfang $name" -keyout $name.key -out $name.csr
            openssl x509 -req -days 3650 -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial \
                -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost") -out $name.crt
        done
        cat server.key server.crt ca.pem >server.pem
        mv client.crt client.pem
        rm -f ./*.csr server.key server.crt ca.key ca.srl
        openssl rand -hex 16 >password
    ) >"$dir/certificates.log" 2>&1 || { cat "$dir/certificates.log" >&2; fail "openssl could not make the certificates"; }
}

# An identifier as Kafka writes them; one with a dash in front would be taken for an option.
identifier() {
    local made=-
    while [ "${made#-}" != "$made" ]; do made=$(openssl rand -base64 16 | tr '+/' '-_' | tr -d '=\n'); done
    echo "$made"
}

write_properties() {
    local node
    for node in 1 2 3; do
        mkdir -p "$dir/n$node"
        sed -e "s|@NODE@|$node|g" -e "s|@STATE@|$dir|g" -e "s|@CONTROLLERS@|$(addresses $controller)|g" \
            -e "s|@PASSWORD@|$(cat "$dir/password")|g" \
            -e "s|@PLAINTEXT@|$((base + plaintext * 3 + node - 1))|g" -e "s|@SASL_SSL@|$((base + sasl_ssl * 3 + node - 1))|g" \
            -e "s|@SSL@|$((base + ssl * 3 + node - 1))|g" -e "s|@CONTROLLER@|$((base + controller * 3 + node - 1))|g" \
            "$here/node.properties" >"$dir/n$node/node.properties"
    done
}

short_java() { # class and arguments
    timeout "$patience" java -cp "$jars/*" -Dlog4j2.configurationFile="$here/log4j2.properties" -Dsanfang.log=error \
        -Xmx128m -XX:TieredStopAtLevel=1 "$@"
}

format() {
    local node cluster voters='' at password pending=()
    say "formatting three nodes in $dir"
    certificates
    write_properties
    cluster=$(identifier)
    password=$(cat "$dir/password")
    at=$((base + controller * 3))
    for node in 1 2 3; do voters+="${voters:+,}$node@127.0.0.1:$((at + node - 1)):$(identifier)"; done
    for node in 1 2 3; do
        short_java kafka.tools.StorageTool format -c "$dir/n$node/node.properties" -t "$cluster" \
            --initial-controllers "$voters" --add-scram "SCRAM-SHA-512=[name=sanfang,password=$password]" \
            --add-scram "SCRAM-SHA-256=[name=sanfang,password=$password]" >"$dir/n$node/format.log" 2>&1 &
        pending+=($!)
    done
    for node in 1 2 3; do
        wait "${pending[node - 1]}" || { cat "$dir/n$node/format.log" >&2; fail "node $node could not be formatted"; }
    done
    addresses $plaintext >"$dir/brokers"
    addresses $sasl_ssl >"$dir/brokers.sasl_ssl"
    addresses $ssl >"$dir/brokers.ssl"
    echo "$base" >"$dir/port" # last: its presence says that the rest is there
}

remove_data() {
    (cd "$dir" && rm -rf n1 n2 n3 brokers brokers.sasl_ssl brokers.ssl port owner password ca.pem server.pem client.pem client.key certificates.log)
}

# ── nodes ──

# The process of a node, if it is ours: a number in a file may since have become somebody else's.
process_of() { # node
    local pid
    pid=$(cat "$dir/n$1/pid" 2>/dev/null) || return 1
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "kafka.Kafka $dir/n$1/node.properties" || return 1
    echo "$pid"
}

answers() { # node
    process_of "$1" >/dev/null && grep -qF 'Kafka Server started' "$dir/n$1/log" 2>/dev/null &&
        listening $((base + plaintext * 3 + $1 - 1))
}

launch() { # node
    local node=$1 pid
    [ -e "$dir/n$node/log" ] && mv "$dir/n$node/log" "$dir/n$node/log.before"
    (
        # Nothing of whoever started us is kept open: a pipe's reader would wait for the broker's end.
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            # Without a redirection of its own: bash would keep standard error in the very number that is
            # closed here, where that was the folder's while it was listed.
            [ "$fd" -le 2 ] || [ "$fd" = 255 ] || eval "exec $fd>&-"
        done
        # shellcheck disable=SC2086  # options
        exec setsid java -cp "$jars/*" -Dlog4j2.configurationFile="$here/log4j2.properties" \
            -Djava.awt.headless=true -XX:+ExitOnOutOfMemoryError $jvm \
            kafka.Kafka "$dir/n$node/node.properties"
    ) </dev/null >"$dir/n$node/log" 2>&1 &
    pid=$!
    echo $pid >"$dir/n$node/pid"
    disown $pid
    # Until it has become java it is not recognised.
    while kill -0 $pid 2>/dev/null && ! process_of "$node" >/dev/null; do sleep 0.05; done
}

wait_for() { # nodes
    local began=$SECONDS said=$SECONDS node waiting
    while :; do
        waiting=
        for node in "$@"; do
            answers "$node" && continue
            waiting+=" $node"
            process_of "$node" >/dev/null && continue
            tail -n 30 "$dir/n$node/log" >&2 || true
            fail "node $node ended while starting; all of it in $dir/n$node/log"
        done
        [ -n "$waiting" ] || return 0
        if [ $((SECONDS - began)) -ge "$patience" ]; then
            for node in $waiting; do tail -n 15 "$dir/n$node/log" >&2 || true; done
            fail "node$waiting did not answer within $patience s (SANFANG_KAFKA_PATIENCE)"
        fi
        if [ $((SECONDS - said)) -ge 5 ]; then
            said=$SECONDS
            say "waiting for node$waiting: $((SECONDS - began)) of at most $patience s"
        fi
        sleep 0.2
    done
}

# Signals nodes and waits until they are gone; after `limit` seconds by force.
end() { # signal, limit, nodes
    local signal=$1 limit=$2 node pid left
    shift 2
    for node in "$@"; do
        if pid=$(process_of "$node"); then kill "-$signal" "$pid" 2>/dev/null || true; fi
    done
    local began=$SECONDS
    while :; do
        left=()
        for node in "$@"; do process_of "$node" >/dev/null && left+=("$node"); done
        [ ${#left[@]} -gt 0 ] || break
        if [ $((SECONDS - began)) -ge "$limit" ]; then
            say "node ${left[*]} still runs after $limit s: killed"
            end KILL 30 "${left[@]}"
            break
        fi
        sleep 0.1
    done
    for node in "$@"; do rm -f "$dir/n$node/pid"; done
}

running() {
    local node
    for node in 1 2 3; do process_of $node >/dev/null && return 0; done
    return 1
}

# ── commands ──

# Who changes the whole cluster does so alone.
lock() {
    exec {locked}>"$dir.lock"
    flock -w 1200 "$locked" || fail "another kafka.sh has been at work on $dir for twenty minutes"
}
unlock() { exec {locked}>&-; }

up() { # [--fresh]
    local began=$SECONDS node stopped=() limit
    fetch
    lock
    if ! running; then
        if [ "${1:-}" = --fresh ] || [ ! -e "$dir/port" ]; then remove_data; fi
        echo "$owner" >"$dir/owner"
    elif [ "$owner" = person ]; then
        echo person >"$dir/owner" # a run that began it leaves it from now on
    fi
    choose_ports
    [ "${SANFANG_KAFKA_PORT:-$base}" = "$base" ] ||
        fail "$dir was made for port $base; SANFANG_KAFKA_PORT=$SANFANG_KAFKA_PORT needs a folder of its own (SANFANG_KAFKA_DIR) or kafka.sh clean"
    limit=$(ulimit -Hn)
    [ "$limit" = unlimited ] || [ "$limit" -ge 4096 ] || say "only $limit open files are allowed here; some tests need 4096"
    for node in 1 2 3; do process_of $node >/dev/null || stopped+=("$node"); done
    if [ ${#stopped[@]} -gt 0 ]; then
        check_ports "${stopped[@]}"
        if [ -e "$dir/port" ]; then write_properties; else format; fi
        say "starting node ${stopped[*]}"
        for node in "${stopped[@]}"; do launch "$node"; done
    fi
    if ! (wait_for 1 2 3); then
        # What was running before is not ours to end.
        [ ${#stopped[@]} -eq 0 ] || end KILL 30 "${stopped[@]}"
        exit 1
    fi
    unlock
    say "three brokers at $(cat "$dir/brokers") after $((SECONDS - began)) s"
}

down() {
    lock
    # The last two have no quorum left to take leave of: they are not waited for long.
    end TERM 10 1 2 3
    unlock
}

clean() {
    lock
    end KILL 30 1 2 3
    remove_data
    unlock
}

status() {
    local node good=0
    for node in 1 2 3; do
        if answers $node; then
            printf 'node %s answers, process %s\n' $node "$(process_of $node)"
            good=$((good + 1))
        elif process_of $node >/dev/null; then
            printf 'node %s is starting, process %s\n' $node "$(process_of $node)"
        else
            printf 'node %s is down\n' $node
        fi
    done
    [ $good -eq 3 ]
}

tool() {
    local name=${1:-} class
    shift || true
    case $name in
        topics) class=org.apache.kafka.tools.TopicCommand ;;
        configs) class=kafka.admin.ConfigCommand ;;
        groups) class=org.apache.kafka.tools.consumer.group.ConsumerGroupCommand ;;
        elect) class=org.apache.kafka.tools.LeaderElectionCommand ;;
        reassign) class=org.apache.kafka.tools.reassign.ReassignPartitionsCommand ;;
        offsets) class=org.apache.kafka.tools.GetOffsetShell ;;
        transactions) class=org.apache.kafka.tools.TransactionsCommand ;;
        quorum) class=org.apache.kafka.tools.MetadataQuorumCommand ;;
        *) fail "no tool '$name'; there are topics, configs, groups, elect, reassign, offsets, transactions, quorum" ;;
    esac
    fetch
    [ -e "$dir/brokers" ] || fail "there is no cluster in $dir: kafka.sh up"
    [[ " $* " == *' --bootstrap-server '* ]] || set -- --bootstrap-server "$(cat "$dir/brokers")" "$@"
    short_java $class "$@"
}

start() { # node
    if process_of "$1" >/dev/null; then say "node $1 is running already"; else
        fetch
        [ -e "$dir/port" ] || fail "there is no cluster in $dir: kafka.sh up"
        check_ports "$1"
        launch "$1"
    fi
    wait_for "$1"
}

# ── a cluster for the time of one command ──

# The last `run` of a cluster that a `run` began ends it.
finish_run() {
    flock -n -x "$users" || return 0
    [ "$(cat "$dir/owner" 2>/dev/null)" = run ] || return 0
    lock
    end KILL 30 1 2 3
    rm -rf "$dir"/n?/data "$dir/port" "$dir/owner"
    unlock
    say "ended; its logs stay in $dir until the next"
}

# Stands beside a `run` that may be killed with no time to clean up.
reap() { # its process
    tail --pid="$1" -f /dev/null
    exec {users}>"$dir.users"
    choose_ports
    finish_run
}

# Another clone's cluster may stand at the usual ports; a command that is told where to look does not mind.
settle_ports() {
    local node kind busy
    [ -z "${SANFANG_KAFKA_PORT:-}" ] || return 0
    for base in $(seq $first_port $ports_each $((first_port + 9 * ports_each))); do
        busy=
        for kind in $plaintext $sasl_ssl $ssl $controller; do
            for node in $(ports "$kind"); do ! listening "$node" || busy=yes; done
        done
        [ -n "$busy" ] || { export SANFANG_KAFKA_PORT=$base; return 0; }
    done
}

run() {
    local code=0 reaper
    [ $# -gt 0 ] || fail "run what?"
    owner=run
    exec {users}>"$dir.users"
    flock -s "$users"
    running || settle_ports
    setsid "$0" reap $$ </dev/null >/dev/null 2>&1 {users}>&- &
    reaper=$!
    trap 'finish_run; kill $reaper 2>/dev/null' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    if (up --fresh) {users}>&-; then
        choose_ports
        export SANFANG_KAFKA SANFANG_KAFKA_DIR=$dir
        SANFANG_KAFKA=$(cat "$dir/brokers")
    else
        rm -f "$dir/owner"
        printf '\n!!! SKIPPED: there is no Kafka, so nothing that needs one is tested; why stands above\n\n' >&2
        [ -z "${CI:-}" ] || fail "with CI set that is a failure"
    fi
    "$@" {users}>&- || code=$?
    exit $code
}

owner=person
case ${1:-} in
    up) up "${2:-}" ;;
    down | clean | status) choose_ports; "$1" ;;
    start | stop | kill)
        [[ ${2:-} =~ ^[123]$ ]] || fail "$1 which node? 1, 2 or 3"
        choose_ports
        case $1 in
            start) start "$2" ;;
            stop) end TERM 60 "$2" ;;
            kill) end KILL 30 "$2" ;;
        esac
        ;;
    fetch | pin | run | reap | tool) "$@" ;;
    *) sed -n '2,/^set/{s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
