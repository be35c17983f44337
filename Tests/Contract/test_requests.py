# SPDX-License-Identifier: Apache-2.0
"""What is not as described is refused with the place and the reason, never ignored, and never fatal."""
import json

import pytest
from conftest import assert_problem
from unixhttp import read_to_end

JSON = {"Content-Type": "application/json"}
HEAD = b"Host: localhost\r\nConnection: close\r\n"


@pytest.mark.parametrize("target", ["/", "/v1", "/v2/version", "/v1/version/x", "/v1/containers/a/b/c", "/%2e%2e/etc/passwd", "//"])
def test_an_unknown_path_is_not_found(api, target):
    assert_problem(api.get(target), 404, "not-found")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "POST"])
def test_another_method_is_told_which_are_allowed(api, method):
    answer = api.request(method, "/v1/version")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "GET"


def test_the_answer_to_head_has_no_body(api):
    plain = api.raw(b"HEAD /v1/version HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert read_to_end(plain).endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "target",
    [
        "/v1/containers?forse=true",
        "/v1/containers?all=yes",
        "/v1/containers?all=TRUE",
        "/v1/containers?all=",
        "/v1/containers?all=true&all=true",
        "/v1/containers?all=%zz",
        "/v1/containers?all=%ff",
        "/v1/containers?=",
        "/v1/version?x=1",
        "/v1/images/inspect",
        "/v1/images/inspect?reference=",
        "/v1/images/inspect?reference=a%00b",
        "/v1/images/inspect?reference=" + "a" * 1025,
        "/v1/containers/none/logs?tail=-1",
        "/v1/containers/none/logs?tail=2147483648",
        "/v1/containers/none/logs?tail=1.0",
        "/v1/containers/none/logs?tail=+1",
        "/v1/containers/none/logs?tail=0x10",
        "/v1/containers/" + "a" * 129,
        "/v1/containers/%00",
        "/v1/containers/%ff",
        "/v1/containers/%4",
    ],
)
def test_a_query_or_name_that_is_not_described_is_refused(api, target):
    assert_problem(api.get(target), 400, "invalid-request")


def test_an_unknown_condition_is_refused(api):
    assert_problem(api.post("/v1/containers/none/wait?condition=dead"), 400, "invalid-request")


MOUNT = {"type": "bind", "source": "/a", "target": "/b", "readOnly": False, "options": []}


@pytest.mark.parametrize(
    "body, place",
    [
        ({}, "image"),
        ([], "its top"),
        ({"image": None}, "/image"),
        ({"image": ""}, "/image"),
        ({"image": 1}, "/image"),
        ({"image": "a\0b"}, "/image"),
        ({"image": "a" * 1025}, "/image"),
        ({"image": "a", "immage": "b"}, "immage"),
        ({"image": "a", "bogus": None}, "bogus"),
        ({"image": "a", "Tty": True}, "Tty"),
        ({"image": "a", "tty": 1}, "/tty"),
        ({"image": "a", "tty": "true"}, "/tty"),
        ({"image": "a", "arguments": "sh"}, "/arguments"),
        ({"image": "a", "arguments": ["sh", 1]}, "/arguments/1"),
        ({"image": "a", "arguments": [["sh"]]}, "/arguments/0"),
        ({"image": "a", "environment": ["A=\0"]}, "/environment/0"),
        ({"image": "a", "network": "bridge"}, '"bridge" is none of none, host and container:NAME at network'),
        ({"image": "a", "network": 1}, "/network"),
        ({"image": "a", "isolation": {"pid": "container:"}}, "at isolation.pid"),
        ({"image": "a", "isolation": {"userNamespace": "nomap"}}, "/isolation/userNamespace"),
        ({"image": "a", "upper": ""}, "/upper"),
        ({"image": "a", "labels": {"x": 1}}, "/labels/x"),
        ({"image": "a", "labels": []}, "/labels"),
        ({"image": "a", "terminalSize": {"rows": 1}}, "columns"),
        ({"image": "a", "terminalSize": {"rows": 65536, "columns": 1}}, "/terminalSize/rows"),
        ({"image": "a", "terminalSize": {"rows": -1, "columns": 1}}, "/terminalSize/rows"),
        ({"image": "a", "resources": {"memoryInBytes": 2**63}}, "/resources/memoryInBytes"),
        ({"image": "a", "resources": {"memoryInBytes": 10**400}}, "/resources/memoryInBytes"),
        ({"image": "a", "resources": {"memoryInBytes": 1.5}}, "/resources/memoryInBytes"),
        ({"image": "a", "resources": {"memoryInBytes": -1}}, "/resources/memoryInBytes"),
        ({"image": "a", "resources": {"cpus": 1}}, "cpus"),
        ({"image": "a", "mounts": [MOUNT | {"readonly": True}]}, "readonly"),
        ({"image": "a", "mounts": [MOUNT | {"type": "volume"}]}, "/mounts/0/type"),
        ({"image": "a", "mounts": [MOUNT, {}]}, "/mounts/1"),
        ({"image": "a", "stopTimeoutSeconds": -2}, "/stopTimeoutSeconds"),
    ],
)
def test_a_body_that_is_not_described_is_refused_with_its_place(api, body, place):
    answer = api.post("/v1/containers", body)
    assert_problem(answer, 400, "invalid-request")
    assert place in answer.json()["detail"]


@pytest.mark.parametrize(
    "text",
    [
        b"", b"{", b"nul", b'{"image":"a",}', b'{"image":"a"} x', b'{"image":"a","image":"b"}', b'{"image":"\xff"}', b'{"image":"\\ud800"}',
        b"{'image':'a'}", b'{"image":"a","tty":True}', b"[" * 100_000, b'{"image":' * 10_000, b'{"image":"a","stopTimeoutSeconds":01}',
        b'{"image":"a","stopTimeoutSeconds":1e1}', b"\xef\xbb\xbf{}", b'{"image":"\x00"}',
    ],
)  # fmt: skip
def test_what_is_not_strict_json_is_refused(api, text):
    assert_problem(api.post("/v1/containers", text, headers=JSON), 400, "invalid-request")


@pytest.mark.parametrize("target", ["/v1/containers/none/stop", "/v1/containers/none/kill", "/v1/images/pull", "/v1/registries/check"])
def test_each_body_refuses_unknown_members(api, target):
    assert_problem(api.post(target, {"bogus": 1}), 400, "invalid-request")


@pytest.mark.parametrize("type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/problem+json"])
def test_a_body_of_another_type_is_refused(api, type):
    headers = {"Content-Type": type} if type else {}
    assert_problem(api.post("/v1/containers", b'{"image":"none"}', headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize("type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x"])
def test_parameters_and_case_of_the_type_do_not_matter(api, type):
    answer = api.post("/v1/containers", b'{"image":"localhost:1/none"}', headers={"Content-Type": type})
    assert_problem(answer, 404, "image-not-found")


def test_an_archive_must_say_that_it_is_one(api):
    assert_problem(api.post("/v1/images/load", b"x", headers=JSON), 415, "unsupported-media-type")


def test_what_is_no_archive_is_refused(api):
    answer = api.post("/v1/images/load", b"x" * 5000, headers={"Content-Type": "application/x-tar"})
    assert answer.status in (400, 422)
    assert_problem(answer, answer.status, answer.json()["code"])


@pytest.mark.parametrize("target", ["/v1/containers/none/wait", "/v1/containers/none/start"])
def test_a_body_where_none_is_described_is_refused(api, target):
    assert_problem(api.post(target, {}), 400, "invalid-request")


@pytest.mark.parametrize(
    "method, target",
    [
        ("GET", "/v1/containers/none"),
        ("DELETE", "/v1/containers/none"),
        ("POST", "/v1/containers/none/start"),
        ("POST", "/v1/containers/none/stop"),
        ("POST", "/v1/containers/none/kill"),
        ("POST", "/v1/containers/none/wait"),
        ("GET", "/v1/containers/none/logs"),
        ("GET", "/v1/containers/none/logs?follow=true"),
        ("GET", "/v1/containers/..%2f..%2fetc"),
        ("GET", "/v1/containers/%20"),
    ],
)
def test_a_container_that_is_not_there(api, method, target):
    assert_problem(api.request(method, target), 404, "container-not-found")


@pytest.mark.parametrize(
    "method, target",
    [("GET", "/v1/images/inspect"), ("GET", "/v1/images/efficiency"), ("GET", "/v1/images/tree"), ("DELETE", "/v1/images")],
)
def test_an_image_that_is_not_there(api, method, target):
    assert_problem(api.request(method, target + "?reference=localhost:1/none:1"), 404, "image-not-found")


@pytest.mark.parametrize("reference", ["UPPER", "a b", "../a", "-", "a@sha256:12", "a:" + "t" * 129, "http://a/b", "a@sha256:zz", "a//b", "é"])
def test_what_is_no_reference_is_refused_before_the_network(api, reference):
    answer = api.post("/v1/images/pull", {"reference": reference})
    assert_problem(answer, 400, "invalid-request")


@pytest.mark.slow
def test_a_registry_that_does_not_answer(api):
    answer = api.post("/v1/images/pull", {"reference": "127.0.0.1:1/none:1"}, timeout=120)
    if answer.status == 200:
        last = answer.lines()[-1]
        assert (last["event"], last["problem"]["code"]) == ("failed", "registry-unavailable")
    else:
        assert_problem(answer, 502, "registry-unavailable")


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /v1/version\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /v1/version HTTP/1.1\r\nHo st: a\r\n\r\n",
        b"GET /v1/containers/\xff HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /v1/version HTTP/1.1\r\nX: " + b"a" * 17_000 + b"\r\n\r\n",
        b"GET /v1/version HTTP/1.1\r\n" + b"".join(b"X%d: " % i + b"a" * 10_000 + b"\r\n" for i in range(4)) + b"\r\n",
        b"GET /v1/" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /v1/version HTTP/1.1\r\n" + b"".join(b"X%d: a\r\n" % i for i in range(200)) + b"\r\n",
        b"POST /v1/containers HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n",
        b"POST /v1/containers HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nffffffffffffffffff\r\n",
    ],
)
def test_what_is_not_http_is_refused_and_the_connection_closed(api, data):
    head, _, body = read_to_end(api.raw(data)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400"), head
    assert json.loads(body)["code"] == "invalid-request"
    assert api.get("/v1/version").status == 200


@pytest.mark.parametrize("target", [b"*", b"http://a/v1/none", b"http://[::1/v1/none", b"http://a:99999999999999999999/", b"?", b"http://?", b"//"])
def test_odd_request_targets_are_not_found(api, target):
    answer = read_to_end(api.raw(b"OPTIONS " + target + b" HTTP/1.1\r\n" + HEAD + b"\r\n"))
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400")), answer[:200]


def test_requests_on_one_connection_are_answered_in_order(api):
    one = b"GET /v1/version HTTP/1.1\r\nHost: a\r\n\r\n"
    bad = b"GET /v1/none HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = read_to_end(api.raw(one + bad + one + b"GET /v1/version HTTP/1.1\r\n" + HEAD + b"\r\n"))
    statuses = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1")] + [
        line[line.index(b"HTTP/1.1") :].split()[1] for line in answer.split(b"\r\n") if b"}HTTP/1.1" in line
    ]
    assert sorted(statuses) == [b"200", b"200", b"200", b"404"]


def test_every_answer_says_when(api):
    assert api.get("/v1/version").headers["date"].endswith(" GMT")
