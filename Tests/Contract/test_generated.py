# SPDX-License-Identifier: Apache-2.0
"""Requests made up by schemathesis from the document, right and wrong ones; every answer is compared with the document."""
import os

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
schema = schema.exclude(operation_id="streamEvents")
# "Valid" is only the shape: a string may still be no reference, no name or no signal. And 494.0 is an integer for JSON Schema, not here.
schema.config.checks.positive_data_acceptance.enabled = False
schema.config.checks.negative_data_rejection.expected_statuses = ["400", "404", "405", "413", "415"]
EXAMPLES = int(os.environ.get("CTR_SWIFT_CONTRACT_EXAMPLES", "50"))


@pytest.fixture(scope="module")
def base_url():
    with relay(SOCKET) as url:
        yield url
    api = API(SOCKET)
    for container in api.get("/v1/containers?all=true").json():
        api.delete(f"/v1/containers/{container['id']}?force=true")


def stay_on_this_machine(case):
    """Made-up names must not be looked up: they go to a port where nothing listens."""

    def has(name, limit):
        return isinstance(case.body, dict) and isinstance(case.body.get(name), str) and 0 < len(case.body[name]) <= limit

    if case.operation.path == "/v1/images/pull" and has("reference", 1024):
        case.body["reference"] = "127.0.0.1:1/" + case.body["reference"][:1000]
    if case.operation.path == "/v1/registries/check" and has("registry", 255):
        case.body["registry"] = "127.0.0.1:1"


def use_a_real_image(case):
    """Half of what is valid is created for real: the engine's own checks are met, too."""
    if IMAGE and case.operation.path == "/v1/containers" and isinstance(case.body, dict) and isinstance(case.body.get("image"), str):
        if len(case.body["image"]) % 2 == 0:
            case.body["image"] = IMAGE
        # The machine's own processes and files are not to be met by chance.
        for mount in case.body.get("mounts") or []:
            if isinstance(mount, dict) and isinstance(mount.get("source"), str):
                mount["source"] = "/nonexistent/" + mount["source"][:4000]


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case, base_url):
    stay_on_this_machine(case)
    use_a_real_image(case)
    response = case.call(base_url=base_url, timeout=60)
    excluded = []
    if case.operation.path in ("/v1/images/pull", "/v1/registries/check"):
        # Nothing listens where these go: 502 is the right answer.
        excluded = [schemathesis.checks.not_a_server_error]
    case.validate_response(response, excluded_checks=excluded)
