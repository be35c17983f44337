# SPDX-License-Identifier: Apache-2.0
"""Requests made up by schemathesis from the document, right and wrong ones; every answer is compared with the document."""
import http.server
import os
import threading

import pytest
import schemathesis
from conftest import IMAGE, SOCKET, TOP
from hypothesis import HealthCheck, settings
from schemathesis import openapi
from unixhttp import API, relay


@schemathesis.serializer("application/x-tar")
def as_bytes(context, value):
    return value if isinstance(value, bytes) else str(value).encode()


schema = openapi.from_path(TOP / "docs/api/openapi.yaml")
# Streams without end are looked at by hand, in test_containers.py.
schema = schema.exclude(operation_id="streamEvents").exclude(operation_id="streamStatistics")
# "Valid" is only the shape: a string may still be no reference, no name or no signal. And 494.0 is an integer for JSON Schema, not here.
schema.config.checks.positive_data_acceptance.enabled = False
schema.config.checks.negative_data_rejection.expected_statuses = ["400", "404", "405", "413", "415"]
EXAMPLES = int(os.environ.get("CTR_SWIFT_CONTRACT_EXAMPLES", "50"))


@pytest.fixture(scope="module")
def base_url():
    api = API(SOCKET)
    # Made-up prunes must not take what the other tests run.
    if IMAGE:
        api.post(f"/v1/images/pin?reference={IMAGE}")
    with relay(SOCKET) as url:
        yield url
    for container in api.get("/v1/containers?all=true").json():
        api.delete(f"/v1/containers/{container['id']}?force=true")


class Empty(http.server.BaseHTTPRequestHandler):
    """A registry that has nothing and wants nobody."""

    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def empty_registry():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Empty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def stay_on_this_machine(case, registry):
    """Made-up names must not be looked up: they go to a registry here, which has nothing."""

    def has(name, limit):
        return isinstance(case.body, dict) and isinstance(case.body.get(name), str) and 0 < len(case.body[name]) <= limit

    if case.operation.path == "/v1/images/pull" and has("reference", 1024):
        case.body["reference"] = f"{registry}/{case.body['reference'][:1000]}"
    if case.operation.path == "/v1/registries/check" and has("registry", 255):
        case.body["registry"] = registry


def wait_for_nobody(case):
    """A made-up id may be the start of a real one, and the end of that container may never come."""
    if case.operation.path.endswith("/wait") and isinstance((case.path_parameters or {}).get("id"), str):
        case.path_parameters["id"] = case.path_parameters["id"][:100] + "-nobody"


def use_a_real_image(case):
    """Half of what is valid is created for real: the engine's own checks are met, too."""
    if IMAGE and case.operation.path == "/v1/containers" and isinstance(case.body, dict) and isinstance(case.body.get("image"), str):
        if 0 < len(case.body["image"]) <= 1024 and len(case.body["image"]) % 2 == 0:
            case.body["image"] = IMAGE
        # The machine's own processes and files are not to be met by chance.
        for mount in case.body.get("mounts") or []:
            if isinstance(mount, dict) and isinstance(mount.get("source"), str):
                mount["source"] = "/nonexistent/" + mount["source"][:4000]


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case, base_url, empty_registry):
    stay_on_this_machine(case, empty_registry)
    use_a_real_image(case)
    wait_for_nobody(case)
    response = case.call(base_url=base_url, timeout=60)
    # What answers there is no registry: 502 is right.
    excluded = [schemathesis.checks.not_a_server_error] if case.operation.path == "/v1/registries/check" else []
    case.validate_response(response, excluded_checks=excluded)
