#!/bin/sh
# Runs the Autobahn test suite against the WebSocket echo example.
#
# Passes when all cases were run, none fails and none is non-strict. Cases 12 and 13 (compression)
# are left out: no extension is offered.
#
# TEST_TOOLS names the folder that holds autobahn.tar.xz; AUTOBAHN_CASES a pattern of cases,
# as "6.*"; AUTOBAHN_TIMEOUT the seconds for all of them; WEBSOCKET_ECHO the built example, which is
# built here otherwise.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=${TEST_TOOLS:-$root/../shared/tools}
work=${CARGO_TARGET_DIR:-$root/target}/autobahn
cargo=${CARGO:-cargo}

if [ ! -f "$tools/autobahn.tar.xz" ]; then
    echo "skipped: no autobahn.tar.xz in $tools"
    exit 0
fi
mkdir -p "$work"
if [ ! -x "$work/suite/wstest" ]; then
    rm -rf "$work/unpacking"
    mkdir "$work/unpacking"
    tar -xJf "$tools/autobahn.tar.xz" -C "$work/unpacking"
    mv "$work/unpacking" "$work/suite"
fi

echo_server=${WEBSOCKET_ECHO:-}
if [ -z "$echo_server" ]; then
    cd "$root"
    "$cargo" build --quiet --package heliograph --example websocket_echo
    echo_server=${CARGO_TARGET_DIR:-$root/target}/debug/examples/websocket_echo
fi

rm -rf "$work/reports"
"$echo_server" 0 >"$work/echo.log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
trap 'exit 1' HUP INT TERM

tries=0
until address=$(sed -n 's/^listening on //p' "$work/echo.log") && [ -n "$address" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "the echo example does not start:"
        cat "$work/echo.log"
        exit 1
    fi
    sleep 0.1
done

cat >"$work/spec.json" <<SPEC
{
  "outdir": "$work/reports",
  "servers": [{"agent": "heliograph", "url": "ws://$address"}],
  "cases": ["${AUTOBAHN_CASES:-*}"],
  "exclude-cases": ["12.*", "13.*"],
  "exclude-agent-cases": {}
}
SPEC
# A limit of ours on the whole run; the suite has one for each case.
if ! timeout "${AUTOBAHN_TIMEOUT:-600}" "$work/suite/wstest" -m fuzzingclient \
    -s "$work/spec.json" >"$work/wstest.log" 2>&1; then
    echo "wstest failed or took too long:"
    tail -n 20 "$work/wstest.log"
    exit 1
fi

# So many cases has the suite without those that are left out; a pattern takes any number of them.
number=301
[ -z "${AUTOBAHN_CASES:-}" ] || number=
python3 "$root/compat-tests/autobahn/verdict.py" "$work/reports" $number
