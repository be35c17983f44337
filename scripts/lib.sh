# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# Sourced by demo, test and bench: a temporary work place, a registry on loopback, a daemon on a root of its own.
# Everything that is started is ended by pid, and the work place removed, however the script ends.

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$top/bin
fixtures=$top/.build/fixtures

# Sets $work, in which everything below lives, and $state, the daemon's.
make_work() {
    [ "$(id -u)" = 0 ] || { echo "$(basename "$0"): must run as root (namespaces, mounts)" >&2; exit 1; }
    work=$(mktemp -d "${TMPDIR:-/tmp}/ctr-swift.XXXXXX")
    chmod 0711 "$work"
    state=$work/run registry_pid='' daemon_pid=''
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

clean_up() {
    status=$?
    trap - EXIT
    if [ -n "$daemon_pid" ]; then
        for id in $("$bin/ctr-swift" ps -aq 2>/dev/null); do "$bin/ctr-swift" rm -f "$id" >/dev/null 2>&1 || true; done
        stop_process "$daemon_pid"
        # The parent group stays with a daemon's root; here the root goes too. v2 alone, v1 and hybrid.
        rmdir "/sys/fs/cgroup/ctr-swift-$$" /sys/fs/cgroup/*/"ctr-swift-$$" 2>/dev/null || true
    fi
    [ -z "$registry_pid" ] || stop_process "$registry_pid"
    if grep -q " $work" /proc/self/mountinfo; then
        echo "$(basename "$0"): mounts are left below $work; it is kept" >&2
        exit 1
    fi
    rm -rf --one-file-system "$work" "$state"
    exit "$status"
}

stop_process() {
    kill "$1" 2>/dev/null || return 0
    for _ in $(seq 100); do kill -0 "$1" 2>/dev/null || { wait "$1" 2>/dev/null || true; return 0; }; sleep 0.1; done
    kill -9 "$1" 2>/dev/null || true
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Debian's docker-registry on a free port of 127.0.0.1; sets $registry (host:port).
start_registry() {
    registry=127.0.0.1:$(free_port)
    mkdir -p "$work/registry"
    cat > "$work/registry.yml" <<YAML
version: 0.1
log: { level: error, accesslog: { disabled: true } }
storage: { filesystem: { rootdirectory: $work/registry }, delete: { enabled: true } }
http: { addr: $registry }
YAML
    docker-registry serve "$work/registry.yml" > "$work/registry.log" 2>&1 &
    registry_pid=$!
    for _ in $(seq 1200); do
        curl -fs "http://$registry/v2/" >/dev/null && return 0
        kill -0 "$registry_pid" 2>/dev/null || break
        sleep 0.05
    done
    echo "the registry did not start:" >&2
    cat "$work/registry.log" >&2
    exit 1
}

# push_layout LAYOUT[:NAME] REPOSITORY:TAG: an OCI layout as it is (an index stays an index).
push_layout() { skopeo copy --quiet --all --dest-tls-verify=false "oci:$1" "docker://$registry/$2"; }

# A daemon on $work/root; extra arguments go to it. Exports CTR_SWIFT_SOCKET.
start_daemon() {
    export CTR_SWIFT_SOCKET="$state/ctr-swift.sock"
    "$bin/ctr-swiftd" --root "$work/root" --state "$state" --socket "$CTR_SWIFT_SOCKET" \
        --cgroup-parent "ctr-swift-$$" "$@" > "$work/daemon.log" 2>&1 &
    daemon_pid=$!
    for _ in $(seq 3000); do
        "$bin/ctr-swift" version >/dev/null 2>&1 && return 0
        kill -0 "$daemon_pid" 2>/dev/null || break
        sleep 0.02
    done
    echo "the daemon did not start:" >&2
    cat "$work/daemon.log" >&2
    exit 1
}
