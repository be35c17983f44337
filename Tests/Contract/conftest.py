# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import pytest
import yaml
from unixhttp import API

TOP = pathlib.Path(__file__).resolve().parents[2]
SOCKET = os.environ.get("CTR_SWIFT_SOCKET", "/run/ctr-swift/ctr-swift.sock")
IMAGE = os.environ.get("CTR_SWIFT_TEST_IMAGE")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("image") and not IMAGE:
            item.add_marker(pytest.mark.skip(reason="no CTR_SWIFT_TEST_IMAGE"))
        if item.get_closest_marker("slow") and not os.environ.get("CTR_SWIFT_SLOW_TESTS"):
            item.add_marker(pytest.mark.skip(reason="slow: no CTR_SWIFT_SLOW_TESTS"))


@pytest.fixture(scope="session")
def api():
    return API(SOCKET)


@pytest.fixture(scope="session")
def document():
    return yaml.safe_load((TOP / "docs/api/openapi.yaml").read_text())


@pytest.fixture
def container(api):
    """Makes containers, and removes them afterwards."""
    made = []

    def make(start=True, **request):
        answer = api.post(f"/v1/containers?start={'true' if start else 'false'}", {"image": IMAGE, **request})
        if answer.status == 201:
            made.append(answer.json()["id"])
        return answer

    yield make
    for identifier in made:
        assert api.delete(f"/v1/containers/{identifier}?force=true").status in (204, 404)


def assert_problem(answer, status, code):
    """The answer is a whole RFC 9457 problem with this status and code."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer.body
    problem = answer.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"urn:ctr-swift:problem:{code}"
    assert problem["title"] and problem["detail"]
    assert "\n" not in problem["detail"]
    assert set(problem) <= {"type", "status", "title", "detail", "remedy", "code", "exitCode"}
