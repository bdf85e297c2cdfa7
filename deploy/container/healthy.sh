#!/usr/bin/env bash
# Whether the service answers 200 at a path (/healthz); the image has no HTTP client.
# Others: HEALTH_PATH=/readyz, HEALTH_PORT=8080.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/${HEALTH_PORT:-8080}"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "${HEALTH_PATH:-/healthz}" >&3
read -r _ status _ <&3
[ "$status" = 200 ]
