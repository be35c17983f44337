# SPDX-License-Identifier: Apache-2.0
"""HTTP over a Unix socket with nothing but the standard library, and a relay for what only knows TCP."""
import contextlib
import http.client
import json
import socket
import threading


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Answer:
    def __init__(self, response, body):
        self.status, self.body = response.status, body
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def json(self):
        return json.loads(self.body)

    def lines(self):
        return [json.loads(line) for line in self.body.splitlines()]


class API:
    """One request a connection."""

    def __init__(self, path):
        self.path = path

    def request(self, method, target, body=None, headers=None, timeout=30):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection = UnixConnection(self.path, timeout)
        with contextlib.closing(connection):
            connection.request(method, target, body=body, headers=headers)
            response = connection.getresponse()
            return Answer(response, response.read())

    def get(self, target, **more):
        return self.request("GET", target, **more)

    def post(self, target, body=None, **more):
        return self.request("POST", target, body=body, **more)

    def delete(self, target, **more):
        return self.request("DELETE", target, **more)

    def raw(self, data=b"", timeout=30):
        """A connected socket to which `data` was sent."""
        plain = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        plain.settimeout(timeout)
        plain.connect(self.path)
        plain.sendall(data)
        return plain


def read_to_end(plain):
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := plain.recv(65536):
            data += piece
    return data


@contextlib.contextmanager
def relay(path):
    """Passes connections to a free port of 127.0.0.1 on to the Unix socket; yields the base URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def serve(client):
        with client, socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.connect(path)
            back = threading.Thread(target=pump, args=(server, client), daemon=True)
            back.start()
            pump(client, server)
            back.join()

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
