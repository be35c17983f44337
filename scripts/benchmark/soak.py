# SPDX-License-Identifier: Apache-2.0
"""Many runs on one daemon, and what they leave. Called by scripts/soak."""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import time

WORK, BIN, IMAGE, PARENT = os.environ["WORK"], os.environ["BIN"], os.environ["IMAGE"], os.environ["PARENT"]
DAEMON = int(os.environ["DAEMON"])
WIDTH = int(os.environ.get("WIDTH", "4"))
# Memory that was freed is not all given back: what is kept must not depend on how many ran.
MEMORY_KIB = int(os.environ.get("MEMORY_KIB", "4096"))
# SQLite's log grows to 1,000 pages before it is written back; the free pages of its file are used again.
ROOT_KIB = 16 << 10
# Caches fill, threads are made, the allocator's pools grow: that is no growth by runs.
WARM_UP = 300

# What is run, with what it must print and end with.
KINDS = [
    (["true"], b"", 0),
    (["sh", "-c", "exit 7"], b"", 7),
    (["sh", "-c", "head -c 100000 /dev/zero | tr '\\0' x"], b"x" * 100000, 0),
    (["sh", "-c", "kill -9 $$"], b"", None),
]


def run(number):
    """One container. Returns what was wrong with it, or None."""
    arguments, output, code = KINDS[number % len(KINDS)]
    flags = ["--init"] if number % 8 >= 4 else []
    done = subprocess.run([f"{BIN}/ctr-swift", "run", "--rm", *flags, IMAGE, *arguments], capture_output=True, timeout=300, check=False)
    # A first process does not die of a signal of its own; below --init it is not the first one.
    codes = (code,) if code is not None else (0, 137)
    if done.returncode in codes and done.stdout == output:
        return None
    return f"run {number}: {' '.join(flags + arguments)}: exit {done.returncode}, {len(done.stdout)} bytes, {done.stderr.decode(errors='replace')}"


def run_many(first, count):
    with concurrent.futures.ThreadPoolExecutor(WIDTH) as pool:
        return [wrong for wrong in pool.map(run, range(first, first + count)) if wrong]


def entries(path):
    try:
        return os.listdir(path)
    except FileNotFoundError:
        return []


def tree(path):
    """Files and directories below, and their KiB."""
    count = size = 0
    for top, directories, files in os.walk(path):
        count += len(directories) + len(files)
        for name in files:
            try:
                size += os.lstat(f"{top}/{name}").st_blocks // 2
            except FileNotFoundError:
                pass
    return count, size


def memory(pid):
    """RSS and PSS in KiB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    fields = {line.split()[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
    return fields["Rss:"], fields["Pss:"]


def namespaces(kind):
    found = set()
    for pid in filter(str.isdigit, entries("/proc")):
        try:
            found.add(os.readlink(f"/proc/{pid}/ns/{kind}"))
        except OSError:
            pass
    return len(found)


def shims():
    count = 0
    for pid in filter(str.isdigit, entries("/proc")):
        try:
            count += WORK.encode() in (line := pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()) and b"ctr-swift-shim" in line
        except OSError:
            pass
    return count


def cgroups():
    """In every hierarchy, below the daemon's parent."""
    hierarchies = ["/sys/fs/cgroup", *(f"/sys/fs/cgroup/{name}" for name in entries("/sys/fs/cgroup"))]
    return sum(len(names) for path in hierarchies for _, names, _ in os.walk(f"{path}/{PARENT}"))


def census():
    rss, pss = memory(DAEMON)
    files, kib = tree(f"{WORK}/root")
    return {
        "daemon: descriptors": len(os.listdir(f"/proc/{DAEMON}/fd")),
        "daemon: threads": len(os.listdir(f"/proc/{DAEMON}/task")),
        "daemon: children": len(pathlib.Path(f"/proc/{DAEMON}/task/{DAEMON}/children").read_text(encoding="ascii").split()),
        "daemon: RSS, KiB": rss,
        "daemon: PSS, KiB": pss,
        "shims": shims(),
        "mounts of the host": len(pathlib.Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()),
        "mounts of the daemon": len(pathlib.Path(f"/proc/{DAEMON}/mountinfo").read_text(encoding="utf-8").splitlines()),
        "cgroups": cgroups(),
        "network namespaces": namespaces("net"),
        "network interfaces": len(entries("/sys/class/net")),
        "files below the root": files,
        "the root, KiB": kib,
        "files below the state": tree(f"{WORK}/run")[0],
    }


def allowed(what):
    if what.startswith("daemon: ") and what.endswith("KiB"):
        return MEMORY_KIB
    # Threads of the pools and connections to the database come and go by themselves.
    return {"the root, KiB": ROOT_KIB, "daemon: threads": 4, "daemon: descriptors": 2}.get(what, 0)


def settled(before):
    """Trash is emptied and idle connections are closed a little later. What others on the machine do may pass, too."""
    for _ in range(600):
        now = census()
        if not entries(f"{WORK}/root/trash") and all(now[what] - before[what] <= allowed(what) for what in before):
            return now
        time.sleep(0.1)
    return now


def main():
    count = int(sys.argv[1])
    wrong = run_many(0, WARM_UP)
    time.sleep(1)
    before = settled({})
    begin = time.monotonic()
    wrong += run_many(WARM_UP, count // 2)
    middle = settled(before)
    wrong += run_many(WARM_UP + count // 2, count - count // 2)
    after = settled(before)
    seconds = time.monotonic() - begin
    print(f"{count} runs, {WIDTH} at once, {seconds:.0f} s\n")
    print("| what | before | after half | after | may grow by | |\n|---|---:|---:|---:|---:|---|")
    grown = [what for what in before if after[what] - before[what] > allowed(what)]
    for what, value in before.items():
        print(f"| {what} | {value} | {middle[what]} | {after[what]} | {allowed(what)} | {'**has grown**' if what in grown else ''} |")
    for line in wrong[:20]:
        print(line, file=sys.stderr)
    if wrong:
        print(f"soak: {len(wrong)} runs went wrong", file=sys.stderr)
    sys.exit(1 if grown or wrong else 0)


main()
