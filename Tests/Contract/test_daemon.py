# SPDX-License-Identifier: Apache-2.0
"""The daemon as a process: its settings, its socket, what it tells systemd, and how it ends."""
import contextlib
import http.client
import os
import pathlib
import signal
import socket
import stat
import subprocess
import threading
import time

import pytest
from conftest import IMAGE
from unixhttp import API, UnixConnection, read_to_end

DAEMON = os.environ.get("CTR_SWIFT_DAEMON")
pytestmark = [
    pytest.mark.skipif(not DAEMON, reason="no CTR_SWIFT_DAEMON"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the daemon does"),
]


PARENT = f"contract-{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def no_cgroup_is_left():
    """The daemon keeps its parent cgroup for the next start; here there is none."""
    yield
    for directory in sorted(pathlib.Path("/sys/fs/cgroup").glob(f"**/{PARENT}/**/"), reverse=True):
        directory.rmdir()


class Daemon:
    def __init__(self, place, *arguments, environment=None, **more):
        self.place = place
        self.socket = str(place / "run/ctr-swift.sock")
        self.notifications = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        name = str(place / f"notify{time.monotonic_ns()}")
        self.notifications.bind(name)
        self.notifications.settimeout(20)
        self.log = open(place / "log", "a+")
        self.process = subprocess.Popen(
            [DAEMON, "--root", place / "root", "--state", place / "run", "--cgroup-parent", PARENT, *arguments],
            env={"PATH": os.environ["PATH"], "NOTIFY_SOCKET": name, **(environment or {})},
            stderr=self.log,
            **more,
        )

    def told(self):
        return self.notifications.recv(4096).decode()

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(20)


@pytest.fixture
def start(tmp_path):
    started = []

    def start(*arguments, **more):
        started.append(Daemon(tmp_path, *arguments, **more))
        return started[-1]

    yield start
    for daemon in started:
        daemon.end(signal.SIGKILL)


def complaint(tmp_path, *arguments):
    done = subprocess.run([DAEMON, *arguments], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, done
    assert "ctr-swiftd: " in done.stderr
    return done.stderr


def test_ready_is_told_when_requests_are_answered(start):
    daemon = start()
    assert daemon.told() == "READY=1"
    api = API(daemon.socket)
    assert api.get("/v1/version").status == 200
    info = api.get("/v1/info").json()
    assert (info["root"], info["state"], info["socket"]) == (str(daemon.place / "root"), str(daemon.place / "run"), daemon.socket)


def test_what_lies_below_root_and_state_is_for_root(start):
    daemon = start()
    daemon.told()
    assert stat.S_IMODE(os.stat(daemon.place / "root").st_mode) == 0o700
    state = os.stat(daemon.place / "run")
    assert not state.st_mode & (stat.S_IROTH | stat.S_IWOTH | stat.S_IWGRP)


def test_it_ends_when_asked_and_takes_its_socket_along(start):
    daemon = start()
    daemon.told()
    begun = time.monotonic()
    assert daemon.end() == 0
    assert time.monotonic() - begun < 15
    assert daemon.told() == "STOPPING=1"
    assert not os.path.exists(daemon.socket)


def test_streams_and_idle_connections_do_not_delay_the_end(start):
    daemon = start()
    daemon.told()
    idle = API(daemon.socket).raw()
    events = UnixConnection(daemon.socket)
    events.request("GET", "/v1/events")
    stream = events.getresponse()
    begun = time.monotonic()
    assert daemon.end() == 0
    assert time.monotonic() - begun < 15
    # Whole lines, and the end of the body: http.client raises where it is cut.
    assert stream.read()[-1:] in (b"", b"\n")
    assert read_to_end(idle) == b""


def test_a_socket_that_a_killed_daemon_left_is_replaced(start):
    first = start()
    first.told()
    first.end(signal.SIGKILL)
    assert os.path.exists(first.socket)
    second = start()
    assert second.told() == "READY=1"
    assert API(second.socket).get("/v1/version").status == 200


def test_two_daemons_on_one_root_are_one_too_many(start, tmp_path):
    first = start()
    first.told()
    other = complaint(tmp_path, "--root", tmp_path / "root", "--state", tmp_path / "other")
    assert str(tmp_path / "root") in other
    assert not os.path.exists(tmp_path / "other/ctr-swift.sock")
    assert API(first.socket).get("/v1/version").status == 200


def test_a_file_in_the_sockets_place_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/ctr-swift.sock").write_text("mine")
    assert "is not a socket" in complaint(tmp_path, "--root", tmp_path / "root", "--state", tmp_path / "run")
    assert (tmp_path / "run/ctr-swift.sock").read_text() == "mine"
    assert not (tmp_path / "root").exists()


def test_a_long_path_to_the_socket_works(start, tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    daemon = start("--socket", deep / "api.sock")
    assert daemon.told() == "READY=1"
    os.symlink(deep, tmp_path / "s")
    assert API(str(tmp_path / "s/api.sock")).get("/v1/version").status == 200
    assert stat.S_IMODE(os.stat(deep / "api.sock").st_mode) == 0o660


@contextlib.contextmanager
def listening(path, *, kind=socket.SOCK_STREAM):
    plain = socket.socket(socket.AF_UNIX, kind)
    plain.bind(path)
    if kind == socket.SOCK_STREAM:
        plain.listen(64)
    with plain:
        yield plain


def test_a_socket_of_systemd_is_taken_over_and_left_in_place(tmp_path):
    path = str(tmp_path / "systemd.sock")
    with listening(path) as plain:
        os.chmod(path, 0o600)
        # A client that is early waits in the backlog.
        early = API(path).raw(b"GET /v1/version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        with open(tmp_path / "log", "w") as log:
            process = subprocess.Popen(
                ["bash", "-c", f'exec 3<&{plain.fileno()}; LISTEN_PID=$$ exec "$0" "$@"', DAEMON]
                + ["--root", tmp_path / "root", "--state", tmp_path / "run", "--socket", path],
                env={"PATH": os.environ["PATH"], "LISTEN_FDS": "1"},
                pass_fds=[plain.fileno()],
                stderr=log,
            )
        try:
            assert read_to_end(early).startswith(b"HTTP/1.1 200")
            process.terminate()
            assert process.wait(20) == 0
            assert os.path.exists(path)
        finally:
            process.kill()
            process.wait()


def test_a_handed_descriptor_that_is_no_listening_socket_is_refused(tmp_path):
    with listening(str(tmp_path / "dgram"), kind=socket.SOCK_DGRAM) as plain:
        done = subprocess.run(
            ["bash", "-c", f'exec 3<&{plain.fileno()}; LISTEN_PID=$$ exec "$0" "$@"', DAEMON, "--root", tmp_path / "root", "--state", tmp_path / "run"],
            env={"PATH": os.environ["PATH"], "LISTEN_FDS": "1"},
            pass_fds=[plain.fileno()],
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert done.returncode == 1
    assert "not a listening Unix stream socket" in done.stderr


def test_the_file_is_read_and_the_flags_go_before_it(start, tmp_path):
    (tmp_path / "config.toml").write_text(
        f'root = "/nonexistent"\nmax-layers = 200\nreserve-bytes = "1GiB"\nreserve-inodes = 5\nsocket-group = 1\nlog-level = "debug"\n'
        f'[registries."127.0.0.1:5000"]\nplain-http = true\n'.replace("socket-group = 1", 'socket-group = "1"')
    )
    daemon = start("--config", tmp_path / "config.toml")
    assert daemon.told() == "READY=1"
    info = API(daemon.socket).get("/v1/info").json()
    assert info["root"] == str(tmp_path / "root")
    assert (info["maxLayers"], info["reserveBytes"], info["reserveInodes"]) == (200, 1 << 30, 5)
    assert os.stat(daemon.socket).st_gid == 1


@pytest.mark.parametrize(
    "text, what",
    [
        ("max-layer = 1", "max-layer: unknown key"),
        ("max-layers = 501", "max-layers: not an integer from 1 to 500"),
        ("max-layers = 0", "max-layers: not an integer"),
        ('max-layers = "1"', "max-layers: not an integer"),
        ("max-layers = 1.5", "max-layers: not an integer"),
        ("reserve-bytes = -1", "reserve-bytes: not an integer"),
        ('reserve-bytes = "1 GB"', 'reserve-bytes: "1 GB" is not a size'),
        ('reserve-bytes = "99999999TiB"', "is not a size"),
        ('reserve-bytes = "MiB"', "is not a size"),
        ('root = "relative"', 'root: "relative" is not an absolute path'),
        ("root = 1", "root: not a string"),
        ('root = ""', "root: not a string, or an empty one"),
        ('keep-blobs = "yes"', "keep-blobs: neither true nor false"),
        ("gc-high = 101", "gc-high: not an integer from 0 to 100"),
        ("gc-low = 50", "gc-low without gc-high"),
        ("gc-high = 50\ngc-low = 50", "gc-low 50 is not below gc-high 50"),
        ('gc-high = 50\ngc-min-age = "2"', 'gc-min-age: "2" is not a duration'),
        ('gc-high = 50\ngc-min-age = "-2m"', 'gc-min-age: "-2m" is not a duration'),
        ("reconcile-interval = 5", "reconcile-interval: not a string"),
        ('log-level = "loud"', '"loud" is not a log level'),
        ('socket-group = "no-such-group"', 'there is no group "no-such-group"'),
        ('shim = "/nonexistent/shim"', "no shim at /nonexistent/shim"),
        ("registries = 1", "registries: not a table"),
        ("[registries]\nx = 1", 'registries."x": not a table'),
        ('[registries.x]\nplain = true', 'registries."x".plain: unknown key'),
        ('[registries.x]\nca-file = "a"', "is not an absolute path"),
        ("root = ", "line 1"),
        ('root = "/a"\nroot = "/b"', "line 2"),
        ("\x00", "config.toml"),
        ("[a", "config.toml"),
    ],
)
def test_a_file_that_is_wrong_ends_the_start(tmp_path, text, what):
    (tmp_path / "config.toml").write_text(text)
    assert what in complaint(tmp_path, "--root", tmp_path / "root", "--state", tmp_path / "run", "--config", tmp_path / "config.toml")
    assert not (tmp_path / "root").exists()


def test_a_file_that_is_asked_for_must_be_there(tmp_path):
    assert "none.toml" in complaint(tmp_path, "--config", tmp_path / "none.toml")


def test_many_requests_during_the_end_are_answered_or_refused_cleanly(start):
    daemon = start()
    daemon.told()
    wrong = []

    def ask():
        api = API(daemon.socket)
        with contextlib.suppress(OSError):
            while True:
                answer = api.get("/v1/version")
                if answer.status != 200 or not answer.json():
                    wrong.append(answer.status)

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    time.sleep(0.3)
    assert daemon.end() == 0
    for client in clients:
        client.join(10)
    assert wrong == []


@pytest.mark.image
def test_a_pinned_image_stays_and_one_that_is_let_go_of_is_pruned(start):
    daemon = start()
    daemon.told()
    api = API(daemon.socket)
    assert api.post("/v1/images/pull", {"reference": IMAGE}, timeout=120).lines()[-1]["event"] == "done"
    assert [image["pinned"] for image in api.post(f"/v1/images/pin?reference={IMAGE}").json()] == [True]
    assert api.post("/v1/prune", {}).json()["images"] == []
    assert api.delete(f"/v1/images?reference={IMAGE}").json()["code"] == "in-use"
    assert [image["pinned"] for image in api.post(f"/v1/images/unpin?reference={IMAGE}").json()] == [False]
    assert api.post("/v1/prune", {"unusedForSeconds": 3600}).json()["images"] == []
    predicted = api.post("/v1/prune", {"dryRun": True}).json()
    assert len(predicted["images"]) == 1 and predicted["freedBytes"] > 0
    assert api.post("/v1/prune").json() == {**predicted, "dryRun": False}
    assert api.get("/v1/images").json() == []
    assert api.post(f"/v1/images/pin?reference={IMAGE}").status == 404


@pytest.mark.image
def test_a_full_filesystem_is_looked_at_after_a_pull(start, tmp_path):
    # Any filesystem is fuller than this.
    (tmp_path / "config.toml").write_text('gc-high = 1\ngc-low = 0\ngc-min-age = "0s"\n')
    daemon = start("--config", tmp_path / "config.toml")
    daemon.told()
    api = API(daemon.socket)
    assert api.post("/v1/images/pull", {"reference": IMAGE}, timeout=120).lines()[-1]["event"] == "done"
    for _ in range(200):
        if api.get("/v1/images").json() == []:
            return
        time.sleep(0.05)
    assert False, "the image is still there"


@pytest.mark.image
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_container_outlives_the_daemon_and_its_successor_finds_it(start, how):
    first = start()
    first.told()
    api = API(first.socket)
    assert api.post("/v1/images/pull", {"reference": IMAGE}, timeout=120).lines()[-1]["event"] == "done"
    script = "trap 'exit 6' TERM; echo up; while :; do sleep 0.05; done"
    made = api.post("/v1/containers?start=true", {"image": IMAGE, "entrypoint": ["sh", "-c", script]}).json()

    answers = []

    def wait():
        try:
            answers.append(api.post(f"/v1/containers/{made['id']}/wait", timeout=60).json())
        except OSError as error:
            answers.append(error)

    waiter = threading.Thread(target=wait)
    waiter.start()
    follower = UnixConnection(first.socket)
    follower.request("GET", f"/v1/containers/{made['id']}/logs?follow=true")
    log = follower.getresponse()
    assert b'"up"' in log.readline()
    time.sleep(0.2)
    first.end(how)
    waiter.join(20)
    if how == signal.SIGTERM:
        assert answers[0]["code"] == "shutting-down"
        assert log.read() == b""
    else:
        # http.client tells a connection that was cut.
        assert isinstance(answers[0], (ConnectionError, http.client.HTTPException)), answers

    second = start()
    assert second.told() == "READY=1"
    found = api.get(f"/v1/containers/{made['id']}").json()["summary"]
    assert (found["state"], found["pid"]) == ("running", made["pid"])
    assert api.post(f"/v1/containers/{made['id']}/stop", {"timeoutSeconds": 5}).json()["exit"]["exitCode"] == 6
    assert api.delete(f"/v1/containers/{made['id']}").status == 204
