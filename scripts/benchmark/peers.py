# SPDX-License-Identifier: Apache-2.0
"""Who pulls: each round on a root of its own, all of them on one filesystem that is made for the benchmark.

ext4 without a journal does not reuse an inode for a minute after its removal (recently_deleted() in fs/ext4/ialloc.c), and whoever comes next pays for the
search. A new filesystem, as mkfs.ext4 makes it, with its journal, is nearer to what nodes have, and the same for everybody.
"""
import contextlib
import os
import shutil
import subprocess
import time

from timing import QUIET

WORK, BIN = os.environ["WORK"], os.environ["BIN"]
PLACE = f"{WORK}/place"


def unmount_below(path):
    """Podman binds its store onto itself, and leaves it so."""
    with open("/proc/self/mountinfo") as file:
        mounts = [line.split()[4] for line in file]
    for mount in sorted((m for m in mounts if m == path or m.startswith(path + "/")), reverse=True):
        subprocess.run(["umount", mount], check=False)


@contextlib.contextmanager
def new_filesystem(gigabytes=24):
    """An empty ext4 at PLACE, in a sparse file on a loop device."""
    file = f"{WORK}/place.img"
    with open(file, "wb") as image:
        image.truncate(gigabytes << 30)
    os.makedirs(PLACE, exist_ok=True)
    subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", file], check=True)
    device = subprocess.run(["losetup", "--find", "--show", "--direct-io=on", file], check=True, capture_output=True, text=True).stdout.strip()
    try:
        subprocess.run(["mount", "-o", "noatime", device, PLACE], check=True)
        try:
            yield
        finally:
            unmount_below(PLACE)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
        os.remove(file)


@contextlib.contextmanager
def daemon(argv, socket):
    process = subprocess.Popen(argv, **QUIET)
    try:
        for _ in range(400):
            if os.path.exists(socket):
                break
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        process.wait()


class CtrSwift:
    name = "ctr-swift pull"

    @contextlib.contextmanager
    def round(self, number):
        place = f"{PLACE}/ctr-swift-{number}"
        socket = f"{place}/run/ctr-swift.sock"
        os.makedirs(place)
        argv = [f"{BIN}/ctr-swiftd", "--root", f"{place}/root", "--state", f"{place}/run", "--socket", socket]
        with daemon([*argv, "--cgroup-parent", f"ctr-swift-bench-{os.getpid()}"], socket) as process:
            yield lambda image: [f"{BIN}/ctr-swift", "--socket", socket, "pull", image], process.pid


class Podman:
    name = "podman pull"

    @contextlib.contextmanager
    def round(self, number):
        place = f"{PLACE}/podman-{number}"
        argv = ["podman", "--root", f"{place}/root", "--runroot", f"{place}/run"]
        yield lambda image: [*argv, "pull", "-q", "--tls-verify=false", image], None


class Containerd:
    name = "containerd (ctr images pull)"

    @contextlib.contextmanager
    def round(self, number):
        place = f"{PLACE}/containerd-{number}"
        socket = f"{place}/containerd.sock"
        os.makedirs(place)
        with open(f"{place}/config.toml", "w") as file:
            file.write(f'version = 2\nroot = "{place}/root"\nstate = "{place}/run"\n[grpc]\naddress = "{socket}"\n'
                       f'[plugins."io.containerd.internal.v1.opt"]\npath = "{place}/opt"\n')
        with daemon(["containerd", "--config", f"{place}/config.toml"], socket) as process:
            subprocess.run(["ctr", "--address", socket, "version"], **QUIET)
            yield lambda image: ["ctr", "--address", socket, "images", "pull", "--plain-http", image], process.pid


def pullers():
    found = [CtrSwift()]
    if shutil.which("containerd"):
        found.append(Containerd())
    if shutil.which("podman"):
        found.append(Podman())
    return found


def cpu(pid):
    """Seconds of CPU of a daemon until now; 0 where there is none."""
    if pid is None:
        return 0
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(pid):
    """A daemon's largest resident memory, in MB."""
    if pid is None:
        return None
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
