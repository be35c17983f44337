# SPDX-License-Identifier: Apache-2.0
"""What containers cost: many starts at once, their ends, `exec`, memory, a crowd, a large output."""
import concurrent.futures
import json
import os
import shutil
import statistics
import subprocess
import time

from hierarchies import classic_only
from timing import QUIET, ROUNDS, compare, timed

WORK, STATE, REGISTRY, BIN = os.environ["WORK"], os.environ["STATE"], os.environ["REGISTRY"], os.environ["BIN"]
PROGRAM = f"{BIN}/ctr-swift"
IMAGE = f"{REGISTRY}/bench/busybox:1"
NAMES = [f"many-{number}" for number in range(50)]


def row(what, *values):
    print("| " + " | ".join([what, *values]) + " |", flush=True)


def start(name):
    subprocess.run([PROGRAM, "run", "-d", "--network", "none", "--name", name, IMAGE, "sleep", "100000"], check=True, **QUIET)


def start_all(names):
    """Milliseconds for each, eight clients at a time."""
    begin = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(start, names))
    return (time.perf_counter() - begin) * 1000 / len(names)


def remove_all(names):
    begin = time.perf_counter()
    subprocess.run([PROGRAM, "rm", "-f", *names], check=True, **QUIET)
    return (time.perf_counter() - begin) * 1000 / len(names)


def processes():
    """The daemon of this benchmark, and its monitors."""
    socket = os.environ.get("CTR_SWIFT_SOCKET", WORK)
    daemon, children = None, {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as file:
                text = file.read()
            with open(f"/proc/{entry}/cmdline") as file:
                line = file.read()
        except OSError:
            continue
        children.setdefault(int(text[text.rindex(")") + 2:].split()[1]), []).append(int(entry))
        if line.split("\0")[0].endswith("ctr-swiftd") and (socket in line or WORK in line):
            daemon = int(entry)
    return daemon, children.get(daemon, [])


def memory(pid, name):
    """KiB of a line of smaps_rollup."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(name + ":"))


def median_text(values, unit="ms"):
    return f"{statistics.median(values):.1f} {unit} ({min(values):.1f} to {max(values):.1f})"


def crowd():
    """Of 50 at once, and of 500."""
    rounds = min(ROUNDS, 5)
    starts, removals, pss, rss = [], [], [], []
    for _ in range(rounds):
        starts.append(start_all(NAMES))
        daemon, monitors = processes()
        # What a start needed is given back a quarter of a second after it.
        time.sleep(1)
        pss.append(sum(memory(pid, "Pss") for pid in monitors) / len(monitors) / 1024)
        rss.append(memory(daemon, "Rss") / 1024)
        removals.append(remove_all(NAMES))
    row("50 detached starts, 8 at a time, each", median_text(starts))
    row("`rm -f` of 50 running, each", median_text(removals))
    row("memory of a monitor, of 50, a second after the last start (PSS)", median_text(pss, "MB"))
    row("the daemon with 50 containers (RSS)", median_text(rss, "MB"))

    def next_one():
        elapsed = timed([PROGRAM, "run", "-d", "--network", "none", "--name", "next", IMAGE, "sleep", "100000"])
        subprocess.run([PROGRAM, "rm", "-f", "next"], check=True, **QUIET)
        return elapsed

    first = [next_one() for _ in range(rounds)]
    names = [f"crowd-{number}" for number in range(500)]
    start_all(names)
    try:
        with_crowd = [next_one() for _ in range(rounds)]
        listing = [timed([PROGRAM, "ps"]) for _ in range(rounds)]
        row("one more start, nobody there", median_text(first))
        row("one more start beside 500", median_text(with_crowd))
        row("`ps` of 500", median_text(listing))
    finally:
        remove_all(names)


def other_container(runtime):
    """A bare container of another runtime to exec into."""
    with open(f"{WORK}/bundle/config.json") as file:
        spec = json.load(file)
    spec["process"]["terminal"] = False
    spec["process"]["args"] = ["/bin/sleep", "100000"]
    bundle = f"{WORK}/exec-bundle-{runtime}"
    os.makedirs(bundle, exist_ok=True)
    spec["root"]["path"] = f"{WORK}/bundle/rootfs"
    with open(f"{bundle}/config.json", "w") as file:
        json.dump(spec, file)
    name = f"bench-exec-{os.getpid()}"
    subprocess.run([runtime, "--root", f"{STATE}/{runtime}", "run", "-d", "-b", bundle, name], check=True, **QUIET)
    return name


def execs():
    start("exec")
    others = {}
    try:
        contestants = {"ctr-swift exec": lambda _: [PROGRAM, "exec", "exec", "true"]}
        for runtime in filter(shutil.which, ("crun", "runc")):
            others[runtime] = other_container(runtime)
            contestants[f"{runtime} exec"] = lambda _, r=runtime: [r, "--root", f"{STATE}/{r}", "exec", others[r], "/bin/true"]
        compare("`exec … true`", contestants)
    finally:
        subprocess.run([PROGRAM, "rm", "-f", "exec"], check=False, **QUIET)
        for runtime, name in others.items():
            subprocess.run([runtime, "--root", f"{STATE}/{runtime}", "delete", "-f", name], check=False, **QUIET)


def containers():
    subprocess.run([PROGRAM, "pull", IMAGE], check=True, **QUIET)
    with classic_only():
        execs()

    busybox = f"{WORK}/bundle/rootfs/bin/busybox"
    amount = "1000000000"
    compare("1 GB to a pipe", {
        "ctr-swift run … | cat": lambda _: [
            "sh", "-c", f"{PROGRAM} run --rm --network none {IMAGE} busybox head -c {amount} /dev/zero | cat >/dev/null"],
        "the same program outside | cat": lambda _: ["sh", "-c", f"{busybox} head -c {amount} /dev/zero | cat >/dev/null"],
    }, rounds=min(ROUNDS, 7))

    print("\n### Many\n\n| what | median (least to most) |\n|---|---:|")
    crowd()
