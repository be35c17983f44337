# SPDX-License-Identifier: Apache-2.0
"""crun refuses a machine whose v2 hierarchy has controllers beside v1's."""
import contextlib
import ctypes
import os

CLONE_NEWNS, MS_REC, MS_PRIVATE, MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2
UNIFIED = "/sys/fs/cgroup/unified"
libc = ctypes.CDLL(None, use_errno=True)


def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def classic_only():
    """In a mount namespace where only v1 is to be seen, where there are both: for all contestants alike. Daemons are not in it."""
    if not os.path.ismount(UNIFIED):
        yield
        return
    own = os.open("/proc/self/ns/mnt", os.O_RDONLY)
    directory = os.getcwd()
    try:
        check(libc.unshare(CLONE_NEWNS))
        check(libc.mount(b"none", b"/", None, ctypes.c_ulong(MS_REC | MS_PRIVATE), None))
        check(libc.umount2(UNIFIED.encode(), MNT_DETACH))
        yield
    finally:
        check(libc.setns(own, CLONE_NEWNS))
        os.close(own)
        os.chdir(directory)
