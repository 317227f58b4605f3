#!/usr/bin/env bash
# The one test command: installs what it needs, runs everything, cheap steps first, ends with `N passed, N failed`.
# A longer run of the random tests: ROLLCALL_CASES=20000 ROLLCALL_CRASHES=500 ROLLCALL_POWER_ROUNDS=200 bash tests/run.sh
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export CARGO_TERM_COLOR=never ROLLCALL_POWER_ROUNDS="${ROLLCALL_POWER_ROUNDS:-20}" ROLLCALL_CRASHES="${ROLLCALL_CRASHES:-25}" ROLLCALL_CASES="${ROLLCALL_CASES:-2000}"
log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
passed=0 failed=0

# Debian packages, where the machine lacks them and we may install.
install() {
    local package missing=()
    for package in curl:curl mkfs.ext4:e2fsprogs losetup:mount cc:gcc; do
        command -v "${package%%:*}" >/dev/null || missing+=("${package##*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || { echo "missing and not installed: ${missing[*]}"; return; }
    apt-get update -qq && apt-get install -y -qq "${missing[@]}" >/dev/null
}

# step NAME COMMAND…: one check.
step() {
    local name=$1 start=$SECONDS
    shift
    echo "== $name"
    if "$@" >"$log/out" 2>&1; then
        passed=$((passed + 1))
        echo "   ok, $((SECONDS - start)) s"
    else
        failed=$((failed + 1))
        tail -n 200 "$log/out"
        echo "   FAILED: $name"
    fi
}

# tests NAME COMMAND…: a run of the Rust test harness; its own counts are added up.
tests() {
    local name=$1 start=$SECONDS status
    shift
    echo "== $name"
    "$@" >"$log/out" 2>&1
    status=$?
    grep -E "NOT RUN|^seed|^measured" "$log/out"
    local ok bad
    ok=$(awk '/^test result:/ { n += $4 } END { print n + 0 }' "$log/out")
    bad=$(awk '/^test result:/ { n += $6 } END { print n + 0 }' "$log/out")
    [ "$status" -ne 0 ] && [ "$bad" -eq 0 ] && bad=1
    [ "$status" -ne 0 ] && tail -n 200 "$log/out"
    passed=$((passed + ok)) failed=$((failed + bad))
    echo "   $ok passed, $bad failed, $((SECONDS - start)) s"
}

tidy() {
    rustc --edition 2024 --test tests/tidy.rs -o "$log/tidy" && "$log/tidy"
}

install
step "format" cargo fmt --check
step "house rules" tidy
step "clippy" cargo clippy --locked --all-targets -- -D warnings
tests "tests" cargo test --locked --lib --bins --test it --test fuzz -- --nocapture
step "doc" env RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
step "release build" cargo build --locked --release
step "smoke: README's run command" bash tests/smoke.sh
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
