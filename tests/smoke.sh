#!/usr/bin/env bash
# Starts what README's run command starts, in a folder of its own and on a free port, asks it the printed questions,
# kills it hard, starts it again.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
server=
stop() {
    [ -n "$server" ] && kill -9 "$server" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
port=$((20000 + RANDOM % 20000))

# start: runs the demo until it answers; sets $server and $token.
start() {
    target/release/rollcall demo --contacts 20000 --folder "$folder/data" --bind "127.0.0.1:$port" >"$folder/out" 2>"$folder/err" &
    server=$!
    for _ in $(seq 300); do
        curl -sf "http://127.0.0.1:$port/ready" >/dev/null && break
        kill -0 "$server" || { cat "$folder/out" "$folder/err"; exit 1; }
        sleep 0.2
    done
    token=$(grep -oE 'rollcall_[0-9]+_[A-Za-z0-9_-]+' "$folder/out" | head -n 1)
    [ -n "$token" ] || { echo "no token was printed"; cat "$folder/out"; exit 1; }
}
ask() {
    curl -sf -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "http://127.0.0.1:$port$1" ${2:+-d "$2"}
}
# expect WHAT PATTERN ANSWER
expect() {
    grep -qE "$2" <<<"$3" || { echo "$1: expected $2, got: ${3:0:400}"; exit 1; }
}

start
expect count '"total": ?20000' "$(ask /v1/contacts/count '{}')"
expect "three curl lines" '^[3-9]$' "$(grep -cE '^ *curl ' "$folder/out")"
# The printed lines are run as they stand; the third writes a contact.
grep -E '^ *curl ' "$folder/out" | while read -r line; do
    expect "$line" '\{' "$(bash -c "${line/curl /curl -sf }")"
done
expect create '"id"' "$(ask /v1/contacts '{"firstName":"Smoke","email":"smoke@example.org","tags":["smoke"]}')"
expect search '"total": ?1\b' "$(ask /v1/contacts/search '{"search":"smok","filter":{"field":"tags","operator":"hasAnyOf","value":["SMOKE"]},"facets":["tags"]}')"
expect openapi '"openapi": ?"3.1' "$(ask /openapi.json)"
expect metrics 'rollcall' "$(curl -sf "http://127.0.0.1:$port/metrics")"
kill -9 "$server"
wait "$server" 2>/dev/null || true
start
expect "count after kill -9" '"total": ?20002' "$(ask /v1/contacts/count '{}')"
kill -TERM "$server"
wait "$server"
server=
echo "smoke: ok"
