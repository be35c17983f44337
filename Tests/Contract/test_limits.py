# SPDX-License-Identifier: Apache-2.0
"""Large bodies, slow clients, many connections: bounded, and felt by nobody else."""
import json
import socket
import threading
import time

import pytest
from conftest import assert_problem
from unixhttp import read_to_end

MIB = 1 << 20
JSON = {"Content-Type": "application/json"}


def body_of(size):
    frame = json.dumps({"image": "localhost:1/none", "arguments": [""]})
    filler = size - len(frame)
    pieces = []
    while filler > 0:
        piece = min(filler, 100_000)
        pieces.append("a" * max(piece - 3, 0))
        filler -= piece
    text = json.dumps({"image": "localhost:1/none", "arguments": pieces}, separators=(",", ":"))
    return (text + " " * (size - len(text))).encode()


def test_a_body_of_one_mebibyte_is_taken(api):
    assert_problem(api.post("/v1/containers", body_of(MIB), headers=JSON), 404, "image-not-found")


def test_a_larger_one_is_refused(api):
    assert_problem(api.post("/v1/containers", body_of(MIB + 1), headers=JSON), 413, "body-too-large")


def test_a_larger_one_without_a_length_is_refused(api):
    def pieces():
        for _ in range(17):
            yield b" " * 65536

    assert_problem(api.post("/v1/containers", pieces(), headers=JSON), 413, "body-too-large")


def test_a_body_without_end_is_cut_soon(api):
    plain = api.raw(
        b"POST /v1/containers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000000000\r\n\r\n", timeout=20
    )
    start = time.monotonic()
    sent = 0
    with pytest.raises(OSError):
        while time.monotonic() - start < 15:
            plain.sendall(b" " * 65536)
            sent += 65536
    assert time.monotonic() - start < 10
    assert sent > 0


def test_a_body_that_does_not_come_whole_leaves_nothing(api):
    for path, kind in (("/v1/containers", b"application/json"), ("/v1/images/load", b"application/x-tar")):
        plain = api.raw(b"POST " + path.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Type: " + kind + b"\r\nContent-Length: 100\r\n\r\n{")
        plain.close()
    assert api.get("/v1/version").status == 200


@pytest.mark.parametrize("lines", [b"", b"GET /v1/version HTTP/1.1\r\nHost: a\r\n"])
def test_slow_heads_do_not_keep_others_waiting(api, lines):
    slow = [api.raw(lines) for _ in range(200)]
    start = time.monotonic()
    assert api.get("/v1/version").status == 200
    assert time.monotonic() - start < 15
    for plain in slow:
        plain.close()


def test_a_thousand_connections_are_served(api):
    plain = [api.raw() for _ in range(1000)]
    for one in plain:
        one.sendall(b"GET /v1/version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert all(read_to_end(one).startswith(b"HTTP/1.1 200") for one in plain)
    for one in plain:
        one.close()


def test_clients_that_vanish_at_any_moment_do_no_harm(api):
    requests = [
        b"GET /v1/events HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /v1/containers/none/wait HTTP/1.1\r\nHost: a\r\n\r\n",
        b'POST /v1/images/pull HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 37\r\n\r\n{"reference":"127.0.0.1:1/none:1"}   ',
        b'POST /v1/containers HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"im',
        b"GET /v1/vers",
    ]
    for round in range(200):
        plain = api.raw(requests[round % len(requests)])
        if round % 3 == 0:
            time.sleep(0.002)
        if round % 4 == 0:
            plain.shutdown(socket.SHUT_WR)
        plain.close()
    assert api.get("/v1/version").status == 200


def test_a_client_that_has_closed_its_sending_half_still_gets_its_answer(api):
    plain = api.raw(b"GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n")
    plain.shutdown(socket.SHUT_WR)
    assert read_to_end(plain).startswith(b"HTTP/1.1 200")


@pytest.mark.slow
def test_slow_clients_are_let_go(api):
    """Half a minute for a body, for each piece of an archive, and for an answer that nobody takes."""

    def drip(plain):
        plain.settimeout(1)
        while True:
            try:
                plain.sendall(b" ")
                if plain.recv(4096) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return

    def stall(plain):
        read_to_end(plain)

    def never_read(plain):
        plain.settimeout(1)
        while True:
            try:
                plain.sendall(b"GET /v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
            except TimeoutError:
                continue
            except OSError:
                return

    post = b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: 1000\r\n\r\n"
    clients = {
        drip: api.raw(post % (b"/v1/containers", b"application/json"), timeout=60),
        stall: api.raw(post % (b"/v1/images/load", b"application/x-tar") + b"x", timeout=60),
        never_read: api.raw(timeout=60),
    }
    start = time.monotonic()
    threads = [threading.Thread(target=behaviour, args=(plain,), daemon=True) for behaviour, plain in clients.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not [thread for thread in threads if thread.is_alive()]
    assert 25 < time.monotonic() - start < 45
