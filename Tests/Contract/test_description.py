# SPDX-License-Identifier: Apache-2.0
"""The document, the server's copy of it, and the server say the same."""
import re
import subprocess
import sys

import pytest
from conftest import TOP


def test_the_server_serves_the_document(api, document):
    answer = api.get("/v1/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == document


def test_the_servers_source_is_made_from_the_document():
    subprocess.run([sys.executable, TOP / "scripts/openapi", "--check"], check=True)


def test_every_problem_code_of_the_engine_is_described(document):
    codes = set(re.findall(r'rawValue: "([a-z-]+)"', (TOP / "Sources/Engine/EngineError.swift").read_text()))
    described = set(re.findall(r"`([a-z-]+)`", document["info"]["description"]))
    assert codes and codes <= described


def test_every_path_is_routed(api, document):
    for path, item in document["paths"].items():
        known = {name.upper() for name in item if name in ("get", "post", "delete", "put", "patch")}
        answer = api.request("PATCH", path.replace("{id}", "none"))
        assert answer.status == 405, path
        assert set(answer.headers["allow"].split(", ")) == known, path


@pytest.mark.parametrize("name", ["Version", "Info"])
def test_what_the_daemon_says_of_itself_has_every_member(api, document, name):
    answer = api.get(f"/v1/{name.lower()}")
    assert answer.status == 200
    schema = document["components"]["schemas"][f"{name}Response"]
    assert set(answer.json()) == set(schema["properties"])
