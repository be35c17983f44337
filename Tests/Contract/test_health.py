# SPDX-License-Identifier: Apache-2.0
"""Health checks as the API tells them."""
import pytest
from conftest import assert_problem

pytestmark = pytest.mark.image
SLEEP = {"entrypoint": ["sleep", "1000"]}


def check(**members):
    return {"test": ["CMD-SHELL", "echo words; test -e /tmp/ok"], "intervalMilliseconds": 3_600_000, "retries": 1, **members}


def test_asked_waited_for_and_told(api, container):
    identifier = container(health=check(), **SLEEP).json()["id"]
    path = f"/v1/containers/{identifier}"
    assert api.get(path).json()["summary"]["health"] == "starting"
    first = api.post(f"{path}/healthcheck")
    assert first.status == 200
    assert first.json()["status"] == "unhealthy" and first.json()["failingStreak"] == 1
    assert first.json()["result"]["exitCode"] == 1 and first.json()["result"]["output"] == "words\n"
    assert api.post(f"{path}/exec", {"command": ["touch", "/tmp/ok"], "detach": True}).status == 201
    assert any(api.post(f"{path}/healthcheck").json()["status"] == "healthy" for _ in range(200))
    assert api.post(f"{path}/wait?condition=healthy").json() == {"health": "healthy"}
    detail = api.get(path).json()["health"]
    assert detail["status"] == "healthy" and detail["check"]["timeoutMilliseconds"] == 30_000 and detail["check"]["onFailure"] == "none"
    assert 1 < len(detail["results"]) <= 5


def test_without_a_check_nothing_is_to_be_asked(api, container):
    identifier = container(**SLEEP).json()["id"]
    assert_problem(api.post(f"/v1/containers/{identifier}/healthcheck"), 400, "invalid-request")
    assert_problem(api.post(f"/v1/containers/{identifier}/wait?condition=healthy"), 400, "invalid-request")


def test_what_does_not_run_is_not_asked(api, container):
    identifier = container(start=False, health=check(), **SLEEP).json()["id"]
    assert_problem(api.post(f"/v1/containers/{identifier}/healthcheck"), 409, "conflict")


@pytest.mark.parametrize(
    "health",
    [
        check(intervalMilliseconds=-1),
        check(retries=-1),
        check(probe="tcp://:1"),
        check(onFailure="explode"),
        check(more=1),
        {"probe": "ftp://:1"},
        {"probe": "tcp://example.org:1"},
        {"probe": ""},
        {"retries": 2},
        {"test": ["CMD"]},
        {"test": ["NONE"], "retries": 1},
        "yes",
    ],
)
def test_a_check_that_makes_no_sense_is_refused(container, health):
    assert_problem(container(start=False, health=health, **SLEEP), 400, "invalid-request")
