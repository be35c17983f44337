#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times commands in turn, A B C A B C ..., and prints medians and ratios as a Markdown table. Started by scripts/bench."""
import json
import os
import shutil
import subprocess
import sys

import peers
import pulls
from containers import containers
from hierarchies import classic_only
from timing import ROUNDS, compare, ratio_table
from writing import writing

WORK, STATE, REGISTRY, BIN = os.environ["WORK"], os.environ["STATE"], os.environ["REGISTRY"], os.environ["BIN"]


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
            contestants[f"{runtime} run (bare bundle)"] = lambda number, r=runtime: [
                r, "--root", f"{STATE}/{r}", "run", "-b", f"{WORK}/bundle", f"bench-{os.getpid()}-{number}"]
    if shutil.which("podman"):
        podman = ["podman", "--root", f"{WORK}/podman", "--runroot", f"{STATE}/podman", "--cgroup-manager", "cgroupfs"]
        subprocess.run([*podman, "pull", "-q", "--tls-verify=false", image], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        contestants["podman run --rm (runc)"] = lambda _: [
            *podman, "--runtime", shutil.which("runc") or "runc", "run", "--rm", "--network", "none", image, "true"]
    with classic_only():
        compare("`run --rm … true`, warm, no network, whole process", contestants)
    for program in ("docker", "ctr"):
        if not shutil.which(program):
            print(f"{program}: not installed")


def mount():
    """The kernel's time for the overlay, as the runtime measured it: the least disturbed number there is for it."""
    print("\n### Mounting the root: the step `mount-root` of a start\n", flush=True)
    steps = {}
    images = {"1 layer": f"{REGISTRY}/bench/busybox:1", "127 layers": f"{REGISTRY}/bench/layers-127:1"}
    program = f"{BIN}/ctr-swift"
    for image in images.values():
        subprocess.run([program, "pull", "-q", image], check=True, stdout=subprocess.DEVNULL)
    for _ in range(ROUNDS):
        for name, image in images.items():
            ran = subprocess.run([program, "run", "-d", image, "true"], check=True, capture_output=True, text=True).stdout.strip()
            inspected = json.loads(subprocess.run([program, "inspect", ran], check=True, capture_output=True, text=True).stdout)
            detail = inspected[0] if isinstance(inspected, list) else inspected
            steps.setdefault(name, []).append(next(t["microseconds"] for t in detail["timings"] if t["step"] == "mount-root") / 1000)
            subprocess.run([program, "rm", "-f", ran], check=True, stdout=subprocess.DEVNULL)
    ratio_table(steps)


BENCHMARKS = {
    "run": run, "containers": containers, "pull": pulls.several, "one": pulls.one, "files": pulls.files, "known": pulls.known, "mount": mount,
    "writing": writing,
}


def main():
    version = subprocess.run([f"{BIN}/ctr-swift", "version"], capture_output=True, text=True).stdout.strip().splitlines()
    print("; ".join(version[:2]), "| kernel", os.uname().release, "|", os.cpu_count(), "cores")
    for name in sys.argv[1:] or BENCHMARKS:
        # What was made for it, and by the one before, is not written in its time.
        os.sync()
        BENCHMARKS[name]()
    peers.unmount_below(f"{WORK}/podman")


if __name__ == "__main__":
    main()
