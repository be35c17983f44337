# SPDX-License-Identifier: Apache-2.0
"""A container's life as the API tells it."""
import base64
import json
import re
import threading
import time

import pytest
from conftest import IMAGE, assert_problem
from unixhttp import UnixConnection

pytestmark = pytest.mark.image
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


def sh(script):
    return {"entrypoint": ["sh", "-c", script]}


def eventually(look):
    end = time.monotonic() + 60
    while not look():
        assert time.monotonic() < end
        time.sleep(0.05)


def wait_for_word(api, identifier):
    """The script has come to its echo."""
    eventually(lambda: text(api.get(f"/v1/containers/{identifier}/logs").lines()))


def text(records, stream="stdout"):
    parts = [r.get("text", "").encode() if "text" in r else base64.b64decode(r["base64"]) for r in records if r["stream"] == stream]
    return b"\n".join(parts)


def test_create_start_wait_remove(api, container):
    made = container(start=False, name="contract-life", labels={"a": "b"}, **sh("exit 3"))
    assert made.status == 201
    identifier = made.json()["id"]
    assert re.fullmatch("[0-9a-f]{32,64}", identifier)
    assert "pid" not in made.json()

    detail = api.get("/v1/containers/contract-life").json()
    assert detail["summary"]["state"] == "created"
    assert detail["summary"]["labels"] == {"a": "b"}
    assert detail["request"]["image"] == IMAGE

    assert api.post(f"/v1/containers/{identifier[:12]}/start").status == 200
    exit = api.post(f"/v1/containers/{identifier}/wait").json()["exit"]
    assert exit["exitCode"] == 3
    assert STAMP.fullmatch(exit["startedAt"]) and STAMP.fullmatch(exit["finishedAt"])
    assert exit["startedAt"] < exit["finishedAt"]
    assert identifier not in [c["id"] for c in api.get("/v1/containers").json()]
    assert identifier in [c["id"] for c in api.get("/v1/containers?all=true").json()]
    assert api.delete("/v1/containers/contract-life").status == 204
    assert_problem(api.get(f"/v1/containers/{identifier}"), 404, "container-not-found")


def test_a_name_is_taken_once(container):
    assert container(start=False, name="contract-name").status == 201
    assert_problem(container(start=False, name="contract-name"), 409, "conflict")


@pytest.mark.parametrize("name", ["-a", "a b", "a/b", "é", "."])
def test_a_name_that_is_none_is_refused(container, name):
    assert_problem(container(start=False, name=name), 400, "invalid-request")


def test_a_running_container_is_not_removed_without_force(api, container):
    identifier = container(**sh("exec sleep 1000")).json()["id"]
    assert_problem(api.delete(f"/v1/containers/{identifier}"), 409, "conflict")
    assert api.delete(f"/v1/containers/{identifier}?force=true").status == 204


def test_starting_a_running_container_answers_with_what_runs(api, container):
    made = container(**sh("exec sleep 1000")).json()
    again = api.post(f"/v1/containers/{made['id']}/start")
    assert (again.status, again.json()["pid"]) == (200, made["pid"])


@pytest.mark.parametrize("signal, number", [("TERM", 15), ("SIGKILL", 9), ("15", 15), (None, 9)])
def test_kill_sends_the_signal(api, container, signal, number):
    identifier = container(**sh("trap 'exit 143' TERM; echo up; while :; do sleep 0.05; done")).json()["id"]
    wait_for_word(api, identifier)
    assert api.post(f"/v1/containers/{identifier}/kill", {"signal": signal} if signal else None).status == 204
    assert api.post(f"/v1/containers/{identifier}/wait").json()["exit"]["exitCode"] == 128 + number


@pytest.mark.parametrize("signal", ["NONE", "0", "65", "-9", "SIGSIGTERM"])
def test_an_unknown_signal_is_refused(api, container, signal):
    identifier = container(**sh("exec sleep 1000")).json()["id"]
    assert_problem(api.post(f"/v1/containers/{identifier}/kill", {"signal": signal}), 400, "invalid-request")


def test_a_stopped_container_can_not_be_killed(api, container):
    identifier = container(**sh("true")).json()["id"]
    api.post(f"/v1/containers/{identifier}/wait")
    assert_problem(api.post(f"/v1/containers/{identifier}/kill"), 409, "conflict")


def test_stop_answers_with_the_end(api, container):
    identifier = container(**sh("trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done")).json()["id"]
    wait_for_word(api, identifier)
    exit = api.post(f"/v1/containers/{identifier}/stop", {"timeoutSeconds": 5}).json()["exit"]
    assert exit["exitCode"] == 7
    assert api.post(f"/v1/containers/{identifier}/stop").json()["exit"]["exitCode"] == 7


def test_every_waiter_is_answered(api, container):
    identifier = container(**sh("sleep 0.5; exit 9")).json()["id"]
    codes = []
    waiters = [
        threading.Thread(target=lambda: codes.append(api.post(f"/v1/containers/{identifier}/wait").json()["exit"]["exitCode"])) for _ in range(20)
    ]
    for waiter in waiters:
        waiter.start()
    for waiter in waiters:
        waiter.join()
    assert codes == [9] * 20


def test_wait_for_removal_outlasts_the_container(api, container):
    identifier = container(autoRemove=True, **sh("sleep 0.3; exit 4")).json()["id"]
    assert api.post(f"/v1/containers/{identifier}/wait?condition=removed").json()["exit"]["exitCode"] == 4
    assert_problem(api.get(f"/v1/containers/{identifier}"), 404, "container-not-found")


@pytest.mark.parametrize("entrypoint, code", [(["/none"], 127), (["none"], 127), (["/etc"], 126)])
def test_a_start_that_fails_tells_the_exit_code_and_leaves_nothing(api, container, entrypoint, code):
    before = len(api.get("/v1/containers?all=true").json())
    answer = container(autoRemove=True, entrypoint=entrypoint)
    assert_problem(answer, 422, "container-start-failed")
    assert answer.json()["exitCode"] == code
    assert len(api.get("/v1/containers?all=true").json()) == before


def test_a_further_process_is_listed_until_it_has_ended_and_afterwards_with_its_code(api, container):
    identifier = container(**sh("sleep 1000")).json()["id"]
    answer = api.post(f"/v1/containers/{identifier}/exec", {"command": ["sh", "-c", "sleep 0.3; exit 6"], "detach": True})
    assert answer.status == 201 and "attachSocket" not in answer.json()
    entry = api.get(f"/v1/containers/{identifier}").json()["execs"][0]
    assert entry["id"] == answer.json()["id"] and entry["command"][0] == "sh"
    for _ in range(600):
        entry = api.get(f"/v1/containers/{identifier}").json()["execs"][0]
        if not entry["running"]:
            break
        time.sleep(0.05)
    assert entry["exit"]["exitCode"] == 6 and "pid" not in entry
    attached = api.post(f"/v1/containers/{identifier}/exec", {"command": ["true"]}).json()
    assert attached["attachSocket"].endswith("/shim.sock")


@pytest.mark.parametrize("command, code", [(["/none"], 127), (["none"], 127), (["/etc"], 126)])
def test_a_further_process_that_does_not_start_tells_the_exit_code(api, container, command, code):
    identifier = container(**sh("sleep 1000")).json()["id"]
    answer = api.post(f"/v1/containers/{identifier}/exec", {"command": command})
    assert_problem(answer, 422, "exec-failed")
    assert answer.json()["exitCode"] == code
    assert api.get(f"/v1/containers/{identifier}").json()["execs"] == []


def test_a_container_that_has_ended_takes_no_further_process(api, container):
    identifier = container(**sh("true")).json()["id"]
    api.post(f"/v1/containers/{identifier}/wait")
    assert_problem(api.post(f"/v1/containers/{identifier}/exec", {"command": ["true"]}), 409, "conflict")
    assert_problem(api.post("/v1/containers/none/exec", {"command": ["true"]}), 404, "container-not-found")
    assert_problem(api.post(f"/v1/containers/{identifier}/exec", {"command": ["true"], "shell": True}), 400, "invalid-request")


def test_logs_come_whole_and_in_order(api, container):
    identifier = container(**sh("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo end >&2")).json()["id"]
    api.post(f"/v1/containers/{identifier}/wait")
    records = api.get(f"/v1/containers/{identifier}/logs").lines()
    assert text(records).splitlines() == [b"line %d" % i for i in range(3000)]
    assert text(records, "stderr") == b"end"
    assert [r["text"] for r in api.get(f"/v1/containers/{identifier}/logs?tail=2").lines()] in (
        ["line 2999", "end"], ["line 2998", "line 2999"], ["end", "line 2999"],
    )  # fmt: skip
    assert api.get(f"/v1/containers/{identifier}/logs?tail=0").lines() == []


def test_logs_that_are_followed_end_with_the_container(api, container):
    identifier = container(**sh("echo one; sleep 0.4; echo two")).json()["id"]
    answer = api.get(f"/v1/containers/{identifier}/logs?follow=true")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert text(answer.lines()) == b"one\ntwo"


def test_bytes_that_are_no_text_are_kept(api, container):
    identifier = container(**sh(r"printf 'a\377\000b\n'")).json()["id"]
    api.post(f"/v1/containers/{identifier}/wait")
    assert text(api.get(f"/v1/containers/{identifier}/logs").lines()) == b"a\xff\x00b"


def test_a_container_without_a_log_says_so(api, container):
    identifier = container(log="none", **sh("true")).json()["id"]
    assert_problem(api.get(f"/v1/containers/{identifier}/logs"), 422, "unsupported")


def test_events_tell_a_life_in_order(api, container):
    connection = UnixConnection(api.path)
    connection.request("GET", "/v1/events")
    stream = connection.getresponse()
    assert stream.headers["content-type"] == "application/x-ndjson"
    identifier = container(**sh("exit 5")).json()["id"]
    api.post(f"/v1/containers/{identifier}/wait")
    api.delete(f"/v1/containers/{identifier}?force=true")
    seen = []
    while "remove" not in seen:
        event = json.loads(stream.readline())
        assert STAMP.fullmatch(event["time"])
        if event["id"] == identifier:
            seen.append(event["action"])
    connection.close()
    assert [action for action in seen if action in ("create", "start", "die", "remove")] == ["create", "start", "die", "remove"]


def test_the_image_and_its_layers_are_listed(api):
    detail = api.get(f"/v1/images/inspect?reference={IMAGE}").json()
    assert json.loads(detail["config"])["rootfs"]["type"] == "layers"
    assert detail["summary"]["id"] in [image["id"] for image in api.get("/v1/images").json()]
    keys = {row["key"] for row in api.get("/v1/snapshots").json() if row["kind"] == "layer"}
    assert {layer["diffID"] for layer in detail["layers"]} <= keys


def test_an_image_in_use_is_removed_by_force_only_and_its_containers_go_on(api, container):
    identifier = container(**sh("exec sleep 1000")).json()["id"]
    layers = {layer["diffID"] for layer in api.get(f"/v1/images/inspect?reference={IMAGE}").json()["layers"]}
    assert_problem(api.delete(f"/v1/images?reference={IMAGE}"), 409, "in-use")
    try:
        removed = api.delete(f"/v1/images?reference={IMAGE}&force=true")
        assert removed.status == 200
        assert not layers & set(removed.json()["deleted"])
        assert api.get(f"/v1/containers/{identifier}").json()["summary"]["state"] == "running"
        assert_problem(api.get(f"/v1/images/inspect?reference={IMAGE}"), 404, "image-not-found")
    finally:
        assert api.post("/v1/images/pull", {"reference": IMAGE}, timeout=120).lines()[-1]["event"] == "done"


def test_usage_adds_up(api, container):
    container(**sh("head -c 2000000 /dev/zero > /file; exec sleep 1000"))
    eventually(lambda: api.get("/v1/snapshots/usage").json()["upperBytes"] >= 2_000_000)
    usage = api.get("/v1/snapshots/usage").json()
    rows = usage["snapshots"]
    assert usage["lowerBytes"] == sum(row["sizeInBytes"] for row in rows if row["kind"] != "upper")
    assert usage["upperBytes"] == sum(row["sizeInBytes"] for row in rows if row["kind"] == "upper")
    assert usage["upperBytes"] >= 2_000_000


def test_a_pull_ends_with_done(api):
    answer = api.post("/v1/images/pull", {"reference": IMAGE}, timeout=120)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    events = answer.lines()
    assert [event["event"] for event in events].count("done") == 1
    assert events[-1]["event"] == "done"
    assert events[-1]["image"]["manifestDigest"].startswith("sha256:")


def test_a_pull_of_what_the_registry_does_not_have(api):
    repository = IMAGE.split("@")[0].rsplit(":", 1)[0] if IMAGE.count(":") > 1 or "@" not in IMAGE else IMAGE.split("@")[0]
    answer = api.post("/v1/images/pull", {"reference": repository + ":none"}, timeout=60)
    assert_problem(answer, 404, "manifest-unknown")


def test_pause_processes_statistics_and_update(api, container, document):
    identifier = container(name="contract-limits", resources={"pidsLimit": 50}, **sh("sleep 1000 & echo ready; wait")).json()["id"]
    path = f"/v1/containers/{identifier}"
    assert api.post(f"{path}/pause").status == 204
    assert api.post(f"{path}/pause").status == 204
    assert api.get(path).json()["summary"]["state"] == "paused"
    assert_problem(api.post(f"{path}/start"), 409, "conflict")
    assert api.post(f"{path}/unpause").status == 204
    assert_problem(api.post(f"{path}/unpause"), 409, "conflict")

    rows = api.get(f"{path}/processes").json()
    assert rows[0]["pidInside"] == 1 and all(STAMP.fullmatch(row["startedAt"]) for row in rows)

    answer = api.post(f"{path}/update", {"resources": {"memoryInBytes": 64 << 20}})
    assert answer.status == 200
    assert answer.json()["resources"] == {"memoryInBytes": 64 << 20, "pidsLimit": 50}
    assert_problem(api.post(f"{path}/update", {"resources": {"memoryInBytes": 1}}), 400, "invalid-request")
    assert_problem(api.post(f"{path}/update", {}), 400, "invalid-request")

    answer = api.get("/v1/stats?containers=contract-limits")
    assert answer.headers["content-type"] == "application/x-ndjson"
    (sample,) = [json.loads(line) for line in answer.body.splitlines()]
    (row,) = sample["containers"]
    assert row["id"] == identifier and row["memory"]["limitBytes"] == 64 << 20 and row["processes"]["limit"] == 50
    described = document["components"]["schemas"]["ContainerStatistics"]["properties"]
    assert set(row) <= set(described)
    for part in ("cpu", "memory", "processes", "blockIO"):
        assert set(row[part]) <= set(described[part]["properties"]), part
    assert_problem(api.get("/v1/stats?containers=nobody"), 404, "container-not-found")
    assert_problem(api.get("/v1/stats?interval=5"), 400, "invalid-request")
    assert api.delete(f"{path}?force=true").status == 204
    assert_problem(api.get(f"{path}/processes"), 404, "container-not-found")
