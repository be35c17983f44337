#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times commands in turn, A B C A B C ..., and prints medians and ratios as a Markdown table. Started by scripts/bench."""
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import peers

WORK, REGISTRY, BIN = os.environ["WORK"], os.environ["REGISTRY"], os.environ["BIN"]
ROUNDS = int(os.environ.get("ROUNDS", "20"))


def timed(argv):
    """Milliseconds of one whole process, its output thrown away; an error ends the benchmark."""
    start = time.perf_counter()
    result = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    elapsed = (time.perf_counter() - start) * 1000
    if result.returncode != 0:
        raise RuntimeError(f"{argv}: exit {result.returncode}: {result.stderr.decode(errors='replace')[-400:]}")
    return elapsed


def compare(title, contestants, rounds):
    """contestants: name -> function(round) that returns argv. One that fails its warm-up is left out, and said so."""
    print(f"\n### {title}\n", flush=True)
    times, absent = {}, []
    for name, command in contestants.items():
        try:
            timed(command(-1))
            times[name] = []
        except (RuntimeError, FileNotFoundError) as error:
            absent.append(f"{name}: not measured ({str(error)[-300:]})")
    for number in range(rounds):
        for name in times:
            times[name].append(timed(contestants[name](number)))
    base = statistics.median(next(iter(times.values())))
    print("| what | median ms | min | max | ctr-swift / this |\n|---|---:|---:|---:|---:|")
    for name, values in times.items():
        median = statistics.median(values)
        print(f"| {name} | {median:.1f} | {min(values):.1f} | {max(values):.1f} | {base / median:.2f} |")
    print(f"\n{rounds} rounds.")
    for line in absent:
        print(line)
    sys.stdout.flush()


def patch_bundle(runtime):
    """The bare bundle for crun and runc: no terminal, `true`."""
    path = f"{WORK}/bundle/config.json"
    with open(path) as file:
        spec = json.load(file)
    spec["process"]["terminal"] = False
    spec["process"]["args"] = ["/bin/true"]
    with open(path, "w") as file:
        json.dump(spec, file)


def run():
    image = f"{REGISTRY}/bench/busybox:1"
    subprocess.run([f"{BIN}/ctr-swift", "pull", image], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    contestants = {
        "ctr-swift run --rm": lambda _: [f"{BIN}/ctr-swift", "run", "--rm", "--network", "none", image, "true"],
    }
    os.makedirs(f"{WORK}/floor.d", exist_ok=True)
    contestants["floor (C, overlay + namespaces + exec)"] = lambda _: [
        f"{WORK}/floor", f"{WORK}/bundle/rootfs", f"{WORK}/floor.d", "/bin/true"]
    if os.path.exists(f"{WORK}/bundle/config.json"):
        patch_bundle("crun")
    for runtime in ("crun", "runc"):
        if shutil.which(runtime):
            extra = ["--cgroup-manager=disabled"] if runtime == "crun" else []
            contestants[f"{runtime} run (bare bundle{', no cgroups' if extra else ''})"] = lambda number, r=runtime, e=extra: [
                r, *e, "run", "-b", f"{WORK}/bundle", f"bench-{os.getpid()}-{number}"]
    if shutil.which("podman"):
        podman = ["podman", "--root", f"{WORK}/podman", "--runroot", f"{WORK}/podman-run", "--cgroup-manager", "cgroupfs"]
        subprocess.run([*podman, "pull", "-q", "--tls-verify=false", image], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        contestants["podman run --rm (runc)"] = lambda _: [
            *podman, "--runtime", shutil.which("runc") or "runc", "run", "--rm", "--network", "none", image, "true"]
    compare("`run --rm … true`, warm, no network, whole process", contestants, ROUNDS)
    for program in ("docker", "ctr"):
        if not shutil.which(program):
            print(f"{program}: not installed")


def pull():
    """Each round: everybody once, each on a root of its own; nothing is removed before the end."""
    image = f"{REGISTRY}/bench/image:1"
    rounds = max(3, ROUNDS // 4)
    print("\n### pull + unpack: 4 layers, 10,000 files, loopback registry, a new store each time\n", flush=True)
    times, daemons, absent = {}, {}, []
    for number in range(-1, rounds):
        for puller in peers.pullers():
            if puller.name in absent:
                continue
            try:
                with puller.round(image, number + 1) as (argv, pid):
                    elapsed = timed(argv)
                    if number >= 0:
                        times.setdefault(puller.name, []).append(elapsed)
                        daemons.setdefault(puller.name, []).append(peers.cpu_and_peak(pid))
            except (RuntimeError, FileNotFoundError) as error:
                absent.append(puller.name)
                print(f"{puller.name}: not measured ({str(error)[-300:]})")
    base = statistics.median(next(iter(times.values())))
    print("| what | median ms | min | max | ctr-swift / this | CPU of the daemon, s | its peak memory, MB |\n|---|---:|---:|---:|---:|---:|---:|")
    for name, values in times.items():
        median = statistics.median(values)
        known = [value for value in daemons[name] if value]
        cost = f"{statistics.median(v[0] for v in known):.2f} | {max(v[1] for v in known):.0f}" if known else "| "
        print(f"| {name} | {median:.0f} | {min(values):.0f} | {max(values):.0f} | {base / median:.2f} | {cost} |")
    print(f"\n{rounds} rounds.", flush=True)


def main():
    version = subprocess.run([f"{BIN}/ctr-swift", "version"], capture_output=True, text=True).stdout.strip().splitlines()
    print("; ".join(version[:2]), "| kernel", os.uname().release, "|", os.cpu_count(), "cores")
    try:
        for name in sys.argv[1:] or ["run", "pull"]:
            {"run": run, "pull": pull}[name]()
    finally:
        # Podman binds its store onto itself, and leaves it so.
        for mount in [line.split()[4] for line in open("/proc/self/mountinfo") if f" {WORK}/podman" in line][::-1]:
            subprocess.run(["umount", mount], check=False)


if __name__ == "__main__":
    main()
