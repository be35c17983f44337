# SPDX-License-Identifier: Apache-2.0
"""Who pulls: each round on a root of its own, because ext4 without a journal does not reuse an inode for a minute after its removal
(recently_deleted() in fs/ext4/ialloc.c), and whoever comes second would pay for that."""
import contextlib
import os
import shutil
import subprocess
import time

WORK, BIN = os.environ["WORK"], os.environ["BIN"]
QUIET = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


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
        place = f"{WORK}/ctr-swift-{number}"
        socket = f"{place}/run/ctr-swift.sock"
        os.makedirs(place)
        argv = [f"{BIN}/ctr-swiftd", "--root", f"{place}/root", "--state", f"{place}/run", "--socket", socket]
        with daemon([*argv, "--cgroup-parent", f"ctr-swift-bench-{os.getpid()}"], socket) as process:
            yield lambda image: [f"{BIN}/ctr-swift", "--socket", socket, "pull", image], process.pid


class Podman:
    name = "podman pull"

    @contextlib.contextmanager
    def round(self, number):
        place = f"{WORK}/podman-{number}"
        argv = ["podman", "--root", f"{place}/root", "--runroot", f"{place}/run"]
        yield lambda image: [*argv, "pull", "-q", "--tls-verify=false", image], None


class Containerd:
    name = "containerd (ctr images pull)"

    @contextlib.contextmanager
    def round(self, number):
        place = f"{WORK}/containerd-{number}"
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
