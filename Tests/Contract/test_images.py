# SPDX-License-Identifier: Apache-2.0
"""What is told of an image that is there."""
import urllib.parse

import pytest
from conftest import IMAGE

pytestmark = pytest.mark.image


def get(api, what):
    answer = api.get(f"/v1/images/{what}?reference={urllib.parse.quote(IMAGE, safe='')}")
    assert answer.status == 200, answer.body
    return answer.json()


def members(document, name):
    return document["components"]["schemas"][name]["properties"]


def test_efficiency_has_every_member(api, document):
    found = get(api, "efficiency")
    assert set(found) == set(members(document, "ImageEfficiency"))
    assert 0 <= found["score"] <= 1
    assert found["wastedBytes"] <= found["contentBytes"]
    for path in found["paths"]:
        assert set(path) == set(members(document, "ImageEfficiency")["paths"]["items"]["properties"])


def test_tree_is_the_layers_that_inspect_shows(api, document):
    tree = get(api, "tree")
    assert set(tree) <= set(members(document, "ImageTree"))
    inspected = get(api, "inspect")["layers"]
    same = ("diffID", "digest", "compressedSizeInBytes", "sizeInBytes", "inodes")
    assert [[layer.get(name) for name in same] for layer in tree["layers"]] == [[layer.get(name) for name in same] for layer in inspected]
    assert sum(layer["wastedBytes"] for layer in tree["layers"]) == get(api, "efficiency")["wastedBytes"]
