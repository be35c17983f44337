# SPDX-License-Identifier: Apache-2.0
"""Who may use the socket: root and its group, by the file's mode and by the kernel's word on the peer."""
import os
import socket
import stat
import subprocess
import sys

import pytest
from conftest import SOCKET

ASK = """
import os, socket, sys
uid, gid, groups, path = int(sys.argv[1]), int(sys.argv[2]), [int(n) for n in sys.argv[3].split(",") if n], sys.argv[4]
os.setgroups(groups); os.setgid(gid); os.setuid(uid)
plain = socket.socket(socket.AF_UNIX)
try:
    plain.connect(path)
except PermissionError:
    print("EACCES"); sys.exit()
plain.sendall(b"GET /v1/version HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n")
print(plain.recv(4096).split()[1].decode())
"""


def ask(uid, gid, groups, path):
    command = [sys.executable, "-c", ASK, str(uid), str(gid), ",".join(map(str, groups)), path]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def widened():
    """The socket as if somebody had opened it to all: a link in a public place, and mode 0666."""
    if os.geteuid() != 0:
        pytest.skip("needs root: it becomes other users")
    before = os.stat(SOCKET)
    directories = []
    path = os.path.dirname(os.path.abspath(SOCKET))
    while path != "/":
        mode = os.stat(path).st_mode
        if not mode & stat.S_IXOTH:
            directories.append((path, mode))
            os.chmod(path, stat.S_IMODE(mode) | stat.S_IXOTH)
        path = os.path.dirname(path)
    os.chmod(SOCKET, 0o666)
    yield before.st_gid
    os.chmod(SOCKET, stat.S_IMODE(before.st_mode))
    for path, mode in directories:
        os.chmod(path, stat.S_IMODE(mode))


def test_the_socket_is_for_root_and_its_group():
    found = os.stat(SOCKET)
    assert stat.S_ISSOCK(found.st_mode)
    assert stat.S_IMODE(found.st_mode) == 0o660
    assert found.st_uid == 0


def test_no_abstract_socket_is_open():
    names = [line.split()[-1] for line in open("/proc/net/unix") if len(line.split()) == 8]
    assert not [name for name in names if name.startswith("@") and "ctr-swift" in name]


def test_another_user_is_refused_even_where_the_mode_was_widened(widened):
    assert ask(65534, 65534, [65534], SOCKET) == "403"


def test_members_of_the_group_are_served(widened):
    if widened == 0:
        pytest.skip("the daemon was started without a group of its own")
    assert ask(65534, widened, [], SOCKET) == "200"
    assert ask(65534, 65534, [1, 2, 3, widened], SOCKET) == "200"
    assert ask(65534, 65534, range(60_000, 60_200), SOCKET) == "403"


def test_a_second_daemon_does_not_take_the_socket(tmp_path):
    daemon = os.environ.get("CTR_SWIFT_DAEMON")
    if not daemon:
        pytest.skip("no CTR_SWIFT_DAEMON")
    command = [daemon, "--root", tmp_path / "root", "--state", tmp_path / "run", "--socket", SOCKET]
    second = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert second.returncode == 1
    assert "served by another process" in second.stderr
    assert not (tmp_path / "root").exists()
    plain = socket.socket(socket.AF_UNIX)
    plain.connect(SOCKET)
