# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2034
# Sourced by what is run in the guest: says what is right and what is not, and counts the latter in $failures. $here is the tree.
image=$here/.build/fixtures/busybox
failures=0

# is NAME EXPECTED ACTUAL
is() {
    if [ "$2" = "$3" ]; then echo "    ok: $1"; else
        echo "    FAILED: $1: expected \"$2\", there is \"$3\""
        failures=$((failures + 1))
    fi
}
good() { "$@" || { echo "    FAILED: $* ($?)"; failures=$((failures + 1)); }; }

uptime_ms() { awk '{printf "%d", $1 * 1000}' /proc/uptime; }

# soon SECONDS COMMAND...: until it succeeds. Not by $SECONDS, which goes by the wall clock.
soon() {
    local until=$(($(uptime_ms) + $1 * 1000))
    shift
    while [ "$(uptime_ms)" -lt $until ]; do "$@" > /dev/null 2>&1 && return 0; sleep 0.2; done
    echo "    FAILED: in vain: $*"
    failures=$((failures + 1))
}
